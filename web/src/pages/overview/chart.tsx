/** One chart of lines. The canvas is told to those who do not see it by its latest values. */
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import { theme } from '../../lib/preferences.ts';
import { useStore } from '../../lib/store.ts';
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
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

const HEIGHT_PX = 132;

export function Chart({ label, times, lines, format }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const shade = useStore(theme);
  const data = [times, ...lines.map(({ values }) => values)] as unknown as UPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew for another theme only; data comes by setData
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const made = new UPlot(optionsOf(current, lines, format), latest.current, current);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: HEIGHT_PX }));
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
  }, [shade]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lists are new whenever their content is
  useEffect(() => plot.current?.setData(latest.current), [times, lines]);

  const last = (values: readonly (number | null)[]) => values.findLast((value) => value !== null);
  const told = lines.map(({ name, values }) => {
    const value = last(values);
    return `${name}: ${value === undefined || value === null ? 'none' : format(value)}`;
  });
  return (
    <figure>
      <div ref={place} role="img" aria-label={`${label}. Latest: ${told.join(', ')}`} className="h-[132px]" />
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

function optionsOf(element: HTMLElement, lines: readonly Line[], format: (value: number) => string): UPlot.Options {
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const axis = {
    font,
    stroke: () => colorOf(element, '--color-quiet'),
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, space: 80, size: 22 },
      {
        ...axis,
        grid: { stroke: () => colorOf(element, '--color-line'), width: 1 },
        space: 36,
        size: 52,
        values: (_plot, splits) => splits.map(format),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, color, isDashed }) => ({
        label: name,
        stroke: () => colorOf(element, color),
        width: 1.5,
        points: { show: false },
        ...(isDashed === true && { dash: [4, 3] }),
      })),
    ],
  };
}
