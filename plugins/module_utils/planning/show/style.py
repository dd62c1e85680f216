# Copyright: (c) 2026, The vllm.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's style: light and dark, on a screen and on paper. Nothing is told by colour alone."""

from __future__ import annotations

#: Colours of services, on white and on black; each at least 4.5 : 1 against its ground.
_LIGHT = ("#1f5fa8", "#b4500b", "#1b7548", "#7444ae", "#b02c64", "#0b717a", "#7d570f", "#4b5968")
_DARK = ("#7fb2ec", "#f0a15c", "#6cc996", "#bd99ea", "#f08bb4", "#5fc3cd", "#d9b45f", "#a9b8c8")


def _colours(colours: tuple[str, ...]) -> str:
    return "".join(f".c{place}{{--c:{colour}}}" for place, colour in enumerate(colours))


CSS = (
    """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--line:#d5dae1;--ink:#1a2230;--soft:#566172;--warn:#8a4b00;
--warnbg:#fff5e3;--on:#fff;--mono:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
"""
    + _colours(_LIGHT)
    + """
@media (prefers-color-scheme:dark){:root{--bg:#11151b;--card:#1a2029;--line:#36404e;--ink:#e8ecf2;--soft:#a3aebd;
--warn:#ffc876;--warnbg:#33270f;--on:#11151b}
"""
    + _colours(_DARK)
    + """}
*{box-sizing:border-box}
body{margin:0 auto;padding:28px 24px 60px;max-width:1310px;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:28px;margin:0;letter-spacing:-.01em}h2{font-size:20px;margin:40px 0 12px}
h3{font-size:15px;margin:20px 0 6px}
a{color:inherit}code,.mono{font-family:var(--mono);font-size:12.5px}
.lead{margin:4px 0 0;color:var(--soft)}.note{color:var(--soft)}
.keys{display:flex;flex-wrap:wrap;gap:6px 20px;margin:16px 0;padding:0;list-style:none;font-size:13.5px}
.keys li{display:flex;align-items:center;gap:7px}
.swatch{width:14px;height:14px;border-radius:3px;background:var(--c);display:inline-block;flex:none}
.keys svg,.legend svg{flex:none}
figure{margin:0 0 18px}figcaption{font-size:13px;color:var(--soft);margin:0 0 5px}
.hosts{display:flex;flex-wrap:wrap;gap:18px;align-items:flex-start}.hosts figure{margin:0}
svg{display:block;max-width:100%;height:auto}
svg text{fill:var(--ink);font:10.5px var(--mono)}
svg .h{font-weight:700;font-size:12px}svg .e{font-weight:700;fill:var(--c)}svg .d{fill:var(--on);font-weight:700}
svg .i{text-anchor:middle}svg .i,svg .n,svg .b{fill:var(--soft)}svg .b{fill:var(--c)}
.host{fill:var(--card);stroke:var(--line);stroke-width:1.2}.more{stroke-dasharray:5 4}
.part{fill:var(--c);fill-opacity:.07;stroke:var(--c);stroke-opacity:.35}.edge,.door,.dot,.m{fill:var(--c)}
.gpu{fill:var(--card);stroke:var(--c)}.chip{fill:none;stroke:var(--c)}
.w,.o,.k{fill:var(--c)}.o{fill-opacity:.62}.k{fill-opacity:.27}
.nv{fill:none;stroke:var(--c);stroke-width:1.8}.bus{fill:none;stroke:var(--c);stroke-width:2}
.card{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--c);border-radius:8px;
padding:18px 22px 20px;margin:0 0 20px}
.card h2{margin:0;font-size:19px}.card h2 small{font-weight:400;color:var(--soft);font-size:15px;margin-left:8px}
.chips{display:flex;flex-wrap:wrap;gap:6px;margin:10px 0 0;padding:0;list-style:none}
.chips li{border:1px solid var(--line);border-radius:99px;padding:1px 11px;font-size:13px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13.5px;
overflow-wrap:normal}
th{text-align:left;font-weight:600;color:var(--soft);font-size:12.5px}
th,td{padding:5px 32px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child>td,tr:last-child>th{border-bottom:0}td.mono{white-space:nowrap}td.why{color:var(--soft)}
.stage{margin:10px 0 0}.stage .where{font-size:13px;color:var(--soft)}
.bar{display:flex;height:24px;border:1px solid var(--c);border-radius:4px;overflow:hidden;margin:3px 0}
.bar i{display:block;background:var(--c);border-right:1px solid var(--card)}
.bar .bo{opacity:.62}.bar .bk{opacity:.27}.bar .bf{background:none;border:0}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:13px;margin:0;padding:0;list-style:none}
.legend li{display:flex;align-items:center;gap:6px}.legend b{font-weight:600}
.legend i,.keys i{width:11px;height:11px;background:var(--c);border:1px solid var(--c);display:inline-block;flex:none}
i.lo{opacity:.62}i.lk{opacity:.27}.legend i.lf,.keys i.lf{background:none}
.fits{font-weight:600;margin:8px 0 0}
.warn{background:var(--warnbg);border:1px solid var(--warn);border-radius:6px;padding:8px 14px;margin:10px 0 0}
.warn b{color:var(--warn)}.warn p{margin:0}
details{margin:12px 0 0}summary{cursor:pointer;color:var(--soft);font-size:13.5px}
pre{font:12px/1.5 var(--mono);white-space:pre-wrap;overflow-wrap:anywhere;background:var(--bg);border-radius:6px;
padding:10px 14px;margin:6px 0 0}
@media print{body{max-width:none;padding:0;background:#fff}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
figure,.stage,.warn,tr{break-inside:avoid}h2,h3{break-after:avoid}.card{border-width:0 0 0 4px;padding:4px 16px}
th,td{padding-right:14px}td.mono{white-space:normal;overflow-wrap:break-word}details::details-content{content-visibility:visible;height:auto}}
"""
)
