/** One chart of lines. The canvas is told to those who do not see it by its latest values. */
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import { formatExact } from '../../lib/format.ts';
import { theme, zone } from '../../lib/preferences.ts';
import { useStore } from '../../lib/store.ts';
import type { Mark } from './marks.ts';
import 'uplot/dist/uPlot.min.css';

export interface Line {
  readonly name: string;
  /** Custom property of a colour. */
  readonly color: string;
  readonly values: readonly (number | null)[];
  /** Told apart without colour, too. */
  readonly isDashed?: boolean;
}

interface Props {
  readonly label: string;
  /** What the chart shows, from when to when; where nothing was measured it is empty. Seconds since 1970. */
  readonly span: readonly [from: number, to: number];
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** The axis goes at least so far up. */
  readonly top: number;
  /** Starts and ends of replicas, ascending. */
  readonly marks: readonly Mark[];
  /** A point was clicked, by its place in `times`. */
  readonly onPick: (index: number) => void;
}

/** On a wide screen as high as there is room for. */
const HEIGHT = 'h-[132px] @6xl:h-[clamp(132px,calc((100vh-27rem)/2),420px)]';

export function Chart({ label, span, times, lines, format, top, marks, onPick }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const shade = useStore(theme);
  const isUtc = useStore(zone) === 'utc';
  const data = [times, ...lines.map(({ values }) => values)] as unknown as UPlot.AlignedData;
  const latest = useRef({ data, span, marks, onPick });
  latest.current = { data, span, marks, onPick };

  // Made anew for another theme only; data comes by setData
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const made = new UPlot(
      optionsOf(current, lines, format, top, () => latest.current),
      latest.current.data,
      current,
    );
    plot.current = made;
    made.over.addEventListener('click', () => {
      const { idx } = made.cursor;
      if (typeof idx === 'number') latest.current.onPick(idx);
    });
    const observer = new ResizeObserver(() =>
      made.setSize({ width: current.clientWidth, height: current.clientHeight }),
    );
    observer.observe(current);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw();
    scheme.addEventListener('change', redraw);
    return () => {
      scheme.removeEventListener('change', redraw);
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // oxlint-disable-next-line react/exhaustive-deps
  }, [shade, isUtc]);
  // The lists are new whenever their content is
  useEffect(() => plot.current?.setData(latest.current.data), [times, lines, marks]);

  const last = (values: readonly (number | null)[]) => values.findLast((value) => value !== null);
  const told = lines.map(({ name, values }) => {
    const value = last(values);
    return `${name}: ${value === undefined || value === null ? 'none' : format(value)}`;
  });
  return (
    <figure>
      <div
        ref={place}
        role="img"
        aria-label={`${label}. Latest: ${told.join(', ')}`}
        className={`${HEIGHT} cursor-pointer`}
      />
      <figcaption className="flex flex-wrap gap-x-4 text-xs text-quiet">
        {lines.map(({ name, color, values, isDashed }) => {
          const value = last(values);
          return (
            <span key={name} className="inline-flex items-center gap-1.5">
              <span
                aria-hidden="true"
                className={`w-3.5 border-t-2 ${isDashed === true ? 'border-dashed' : ''}`}
                style={{ borderColor: `var(${color})` }}
              />
              {name}
              <span className="text-ink">{value === undefined || value === null ? '–' : format(value)}</span>
            </span>
          );
        })}
      </figcaption>
    </figure>
  );
}

/** What a custom property says in this theme: canvas knows no properties. */
function colorOf(element: HTMLElement, property: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${property})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** `14:05`, in the zone that exact times are shown in. */
function clock(seconds: number): string {
  return formatExact(seconds * 1000, zone.get() === 'utc').slice(11, 16);
}

/** Two points make a line; one with nothing on either side would be nothing. */
function lonelyPoints(plot: UPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const isEmpty = (index: number) => (values[index] ?? null) === null;
  return [...values.keys()].filter((index) => !isEmpty(index) && isEmpty(index - 1) && isEmpty(index + 1));
}

/** A line where a replica came or went, with its name where the one before leaves room for it. */
function drawMarks(plot: UPlot, marks: readonly Mark[], font: string, colorOf: (property: string) => string): void {
  const { min, max } = plot.scales['x'] ?? {};
  if (typeof min !== 'number' || typeof max !== 'number') return;
  const { ctx, bbox } = plot;
  const px = devicePixelRatio;
  ctx.save();
  ctx.lineWidth = px;
  ctx.setLineDash([2 * px, 3 * px]);
  ctx.font = font.replace('11px', `${10 * px}px`);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  let taken = Number.NEGATIVE_INFINITY;
  for (const { at, text, isBad } of marks) {
    if (at <= min || at >= max) continue;
    const x = Math.round(plot.valToPos(at, 'x', true)) + 0.5;
    ctx.strokeStyle = colorOf(isBad ? '--color-failed' : '--color-edge');
    ctx.fillStyle = colorOf(isBad ? '--color-failed' : '--color-quiet');
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const { width } = ctx.measureText(text);
    const right = bbox.left + bbox.width;
    // At the end of the axis the name stands before its line.
    const left = x + width + 4 * px > right ? x - width - 4 * px : x + 4 * px;
    if (left < taken || left < bbox.left) continue;
    ctx.fillText(text, left, bbox.top);
    taken = Math.max(x, left + width) + 6 * px;
  }
  ctx.restore();
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  format: (value: number) => string,
  top: number,
  latest: () => Pick<Props, 'span' | 'marks'>,
): UPlot.Options {
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const axis = {
    font,
    stroke: () => colorOf(element, '--color-quiet'),
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    scales: {
      x: { range: () => [...latest().span] },
      y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, top)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 80,
        size: 22,
        values: (_plot, splits) => splits.map((seconds) => clock(seconds)),
      },
      {
        ...axis,
        grid: { stroke: () => colorOf(element, '--color-line'), width: 1 },
        space: 36,
        size: 52,
        values: (_plot, splits) => splits.map(format),
      },
    ],
    hooks: {
      drawAxes: [(plot) => drawMarks(plot, latest().marks, font, (property) => colorOf(element, property))],
    },
    series: [
      {},
      ...lines.map(({ name, color, isDashed }) => ({
        label: name,
        stroke: () => colorOf(element, color),
        width: 1.5,
        points: { show: false, size: 5, filter: lonelyPoints },
        ...(isDashed === true && { dash: [4, 3] }),
      })),
    ],
  };
}
