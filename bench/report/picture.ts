import { type Figure, OURS } from "../measure/figure.ts";
import { spreadOf } from "../measure/statistics.ts";
import type { Run } from "./run.ts";
import { digits } from "./tables.ts";

/** A figure that is worth a picture. */
interface Panel {
  readonly scenario: string;
  readonly what: string;
  readonly unit: string;
  readonly title: string;
}

const PANELS: readonly Panel[] = [
  { scenario: "manifests", what: "GET by tag, 32 connections", unit: "requests/s", title: "Manifests, 32 connections" },
  { scenario: "manifests", what: "GET by tag, 32 connections", unit: "CPU ms per 1,000", title: "Manifests" },
  { scenario: "blobs", what: "64 KiB, 32 connections", unit: "requests/s", title: "Blobs of 64 KiB, 32 connections" },
  { scenario: "images", what: "10 clients", unit: "images/s", title: "Whole images, 10 clients" },
  { scenario: "blobs", what: "64 MiB, 8 connections", unit: "GB/s", title: "Blobs of 64 MiB, 8 connections" },
  { scenario: "blobs", what: "64 MiB, 8 connections", unit: "CPU s per GB", title: "Blobs of 64 MiB" },
  { scenario: "small-pushes", what: "1,000 images", unit: "images/s", title: "Pushes of small images" },
  { scenario: "uploads", what: "one PUT", unit: "GB/s", title: "Upload of 1 GiB" },
  {
    scenario: "readers",
    what: "each, above what the server had before",
    unit: "MiB PSS",
    title: "256 slow readers, each",
  },
  {
    scenario: "memory",
    what: "idle, with images and before the first request",
    unit: "MiB PSS",
    title: "Memory, idle",
  },
];

const WIDTH = 880;
const PANEL = WIDTH / 2;
const ROW = 24;
const TITLE = 38;
const GAP = 22;
const LABEL = 168;
/** Of the longest bar. */
const BAR = 170;
const MARGIN = 12;

/** Bars of the most important figures of a run, as SVG that is readable on a light and on a dark page. */
export function pictureOf(run: Run): string {
  const panels = PANELS.flatMap((panel) => {
    const figure = figureOf(run, panel);
    return figure ? [{ panel, figure }] : [];
  });
  const lines = panels.length === 0 ? 0 : Math.ceil(panels.length / 2);
  const heightOf = (line: number): number =>
    Math.max(...panels.slice(line * 2, line * 2 + 2).map(({ figure }) => panelHeight(figure)));
  const tops = [0];
  for (let line = 0; line < lines; line++) tops.push((tops[line] ?? 0) + heightOf(line) + GAP);
  const drawn = panels.map(({ panel, figure }, index) => {
    const [x, y] = [(index % 2) * PANEL + MARGIN, (tops[Math.floor(index / 2)] ?? 0) + MARGIN];
    return `<g transform="translate(${x} ${y})">${panelOf(panel, figure)}</g>`;
  });
  const height = (tops[lines] ?? 0) + TITLE;
  const foot = `${run.date}, Node ${run.node}, ${run.machine}; medians of ${run.rounds} rounds. Olareg and --no-sync do not wait for the disk.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>ociregistry beside other servers</title>`,
    `<style>${STYLE}</style>`,
    ...drawn,
    `<text class="unit" x="${MARGIN}" y="${height - MARGIN}">${escaped(foot)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

const figureOf = ({ scenarios }: Run, { scenario, what, unit }: Panel): Figure | undefined =>
  scenarios
    .find(({ name }) => name === scenario)
    ?.figures.find((figure) => figure.what === what && figure.unit === unit);

const panelHeight = ({ values }: Figure): number => TITLE + Object.keys(values).length * ROW;

/** Of what is done in a time there should be much, of everything else little. */
const isMoreBetter = (unit: string): boolean => unit.endsWith("/s");

function panelOf({ title, unit }: Panel, { values }: Figure): string {
  const medians = Object.entries(values).map(([name, each]) => ({ name, value: spreadOf(each).median }));
  const longest = Math.max(...medians.map(({ value }) => value), Number.MIN_VALUE);
  const better = isMoreBetter(unit) ? "more is better" : "less is better";
  const bars = medians.map(({ name, value }, index) => {
    const y = TITLE + index * ROW;
    const length = Math.max((BAR * value) / longest, 1).toFixed(1);
    const kind = name === OURS || name.startsWith(`${OURS} `) ? "ours" : "other";
    return (
      `<text class="name" x="${LABEL - 8}" y="${y}">${escaped(name)}</text>` +
      `<rect class="${kind}" x="${LABEL}" y="${y - 12}" width="${length}" height="15" rx="2"/>` +
      `<text x="${LABEL + Number(length) + 6}" y="${y}">${escaped(digits(value))}</text>`
    );
  });
  const heading = `<text class="title" y="12">${escaped(title)} <tspan class="unit">${escaped(unit)}, ${better}</tspan></text>`;
  return heading + bars.join("");
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const STYLE = `
text { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.unit { font-weight: 400; font-size: 12px; fill: #59636e; }
.name { text-anchor: end; }
.ours { fill: #0969da; }
.other { fill: #afb8c1; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .unit { fill: #9198a1; }
  .ours { fill: #4493f8; }
  .other { fill: #59636e; }
}
`;
