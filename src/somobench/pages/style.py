"""How pages look: light and dark, wide and narrow.

Colours `c1` to `c8` tell series apart (also for the colour-blind, and each is legible
on the surface of its scheme); `s0` to `s10` are steps from nothing to all.
"""

from __future__ import annotations

STYLE = """\
:root {
  color-scheme: light dark;
  --surface: #ffffff; --raised: #f4f6f8; --ink: #1b1f24; --muted: #57606a;
  --grid: #d5dae0; --link: #0b5cad; --warn: #7a3d00; --warn-surface: #fff1dc;
  --c1: #0b62a8; --c2: #c44a00; --c3: #00795a; --c4: #9b3a84; --c5: #7a5a00;
  --c6: #127d95; --c7: #b3243c; --c8: #5b6472;
  --ramp: #0b4f8a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --surface: #14181d; --raised: #1d232a; --ink: #e8ebee; --muted: #a3adb8;
    --grid: #3a434d; --link: #7ab8ff; --warn: #ffd9a0; --warn-surface: #43300f;
    --c1: #5fb0f0; --c2: #ff9a5c; --c3: #35c79b; --c4: #e58fd0; --c5: #dcb53f;
    --c6: #59c8df; --c7: #ff8090; --c8: #a9b3bf;
    --ramp: #6fbcff;
  }
}
:root {
  --s0: color-mix(in srgb, var(--ramp) 4%, var(--surface));
  --s1: color-mix(in srgb, var(--ramp) 14%, var(--surface));
  --s2: color-mix(in srgb, var(--ramp) 23%, var(--surface));
  --s3: color-mix(in srgb, var(--ramp) 33%, var(--surface));
  --s4: color-mix(in srgb, var(--ramp) 42%, var(--surface));
  --s5: color-mix(in srgb, var(--ramp) 52%, var(--surface));
  --s6: color-mix(in srgb, var(--ramp) 62%, var(--surface));
  --s7: color-mix(in srgb, var(--ramp) 71%, var(--surface));
  --s8: color-mix(in srgb, var(--ramp) 81%, var(--surface));
  --s9: color-mix(in srgb, var(--ramp) 90%, var(--surface));
  --s10: var(--ramp);
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--surface); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto,
    "Liberation Sans", sans-serif;
}
header, main { max-width: 80rem; margin: 0 auto; padding: 0 1rem; }
header p { color: var(--muted); margin-top: 0; }
h1 {
  font-size: 1.8rem;
  line-height: 1.2;
  margin: 1.5rem 0 .3rem;
  overflow-wrap: anywhere;
}
h2 {
  font-size: 1.3rem;
  line-height: 1.25;
  margin: 2.5rem 0 .6rem;
  padding-top: .8rem;
  border-top: 1px solid var(--grid);
}
p, li, figcaption { max-width: 46rem; overflow-wrap: anywhere; }
a { color: var(--link); }
code {
  font-size: .9em;
  background: var(--raised);
  padding: .05em .3em;
  border-radius: .2rem;
  overflow-wrap: anywhere;
}
nav ul { columns: 16rem; padding-left: 1.2rem; }
.banner {
  position: sticky;
  top: 0;
  z-index: 1;
  margin: 0;
  padding: .5rem 1rem;
  max-width: none;
  background: var(--warn-surface);
  color: var(--warn);
  font-weight: 600;
  text-align: center;
}
section { scroll-margin-top: 3rem; }
.notice {
  background: var(--raised);
  border-left: .25rem solid var(--muted);
  padding: .5rem .8rem;
}
.notice.warning {
  background: var(--warn-surface);
  color: var(--warn);
  border-color: currentColor;
}
figure { margin: 1.2rem 0; }
.panels {
  display: grid;
  gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
  align-items: start;
}
.panel { max-width: 34rem; }
.panel svg { display: block; width: 100%; height: auto; }
svg text {
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans",
    sans-serif;
}
svg * { stroke-linejoin: round; stroke-linecap: butt; }
figcaption { color: var(--muted); font-size: .92rem; margin-top: .5rem; }
.scroll {
  overflow-x: auto;
  margin: 0 0 1rem;
  border: 1px solid var(--grid);
  border-radius: .3rem;
}
.scroll:focus-visible, summary:focus-visible, a:focus-visible {
  outline: 2px solid var(--link);
  outline-offset: 2px;
}
table { border-collapse: collapse; font-size: .9rem; min-width: 100%; }
.title { color: var(--muted); font-size: .92rem; margin: 1rem 0 .3rem; }
th, td {
  padding: .35rem .7rem;
  text-align: right;
  border-top: 1px solid var(--grid);
  vertical-align: top;
  white-space: nowrap;
}
thead th { vertical-align: bottom; background: var(--raised); }
tbody th, thead th:first-child { text-align: left; font-weight: 600; }
tbody th { white-space: normal; min-width: 9rem; }
td { font-variant-numeric: tabular-nums; }
table.texts th { text-align: left; }
table.texts td { text-align: left; white-space: normal; min-width: 12rem; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--link); }
@media print {
  .banner { position: static; }
  .scroll { overflow: visible; }
  figure, tr { break-inside: avoid; }
}
"""
