/** Throughput and latency over time, on canvas. A click on a point leads to the tasks of its time. */
import { Link, useNavigate } from '@tanstack/react-router';
import type { OverviewSeries, OverviewWindow } from '../../api/server.ts';
import { formatCount, formatDuration } from '../../lib/format.ts';
import { Section } from '../page.tsx';
import { Chart, type Line } from './chart.tsx';
import type { Mark } from './marks.ts';

const WINDOW_SECONDS = { '15m': 900, '1h': 3600, '24h': 86_400 } as const;

interface ChartFacts {
  readonly title: string;
  readonly unit: string;
  readonly format: (value: number) => string;
  readonly top: number;
  readonly lines: readonly Line[];
}

interface Props {
  readonly series: OverviewSeries;
  readonly window: OverviewWindow;
  readonly now: string;
  readonly marks: readonly Mark[];
}

export function Charts({ series, window, now, marks }: Props) {
  const { times, stepSeconds } = series;
  const navigate = useNavigate();
  const toTime = (seconds: number) => new Date(seconds * 1000).toISOString();
  const pick = (index: number) => {
    const from = times[index];
    if (from === undefined) return;
    void navigate({ to: '/tasks', search: { from: toTime(from), before: toTime(from + stepSeconds) } });
  };
  const end = Date.parse(now) / 1000;
  const span = [end - WINDOW_SECONDS[window], end] as const;
  const until = Date.parse(series.until) / 1000;
  // The last point may not be over.
  const secondsOf = (index: number) => Math.max(1, Math.min(stepSeconds, until - (times[index] ?? 0)));
  const perMinute = (values: readonly (number | null)[]) =>
    values.map((value, index) => (value === null ? null : (value * 60) / secondsOf(index)));
  const rate = (value: number) => (value < 10 ? String(Number(value.toFixed(1))) : formatCount(Math.round(value)));
  const charts: readonly ChartFacts[] = [
    {
      title: 'Requests',
      unit: 'per minute',
      format: rate,
      top: 1,
      lines: [
        { name: 'all', color: '--color-ink', values: perMinute(series.requests) },
        { name: 'answered 5xx', color: '--color-failed', values: perMinute(series.requestErrors), isDashed: true },
      ],
    },
    {
      title: 'Tasks',
      unit: 'per minute',
      format: rate,
      top: 1,
      lines: [
        { name: 'created', color: '--color-ink', values: perMinute(series.tasksCreated) },
        { name: 'turns ended', color: '--color-completed', values: perMinute(series.turnsEnded) },
        { name: 'failed', color: '--color-failed', values: perMinute(series.turnsFailed), isDashed: true },
      ],
    },
    {
      title: 'Turns take',
      unit: '',
      format: formatDuration,
      top: 10,
      lines: [
        { name: 'p50', color: '--color-ink', values: series.turnP50Ms },
        { name: 'p95', color: '--color-quiet', values: series.turnP95Ms },
        { name: 'p99', color: '--color-edge', values: series.turnP99Ms, isDashed: true },
      ],
    },
    {
      title: 'Work',
      unit: 'running on average, queued at most',
      format: rate,
      top: 4,
      lines: [
        { name: 'running tasks', color: '--color-working', values: series.running },
        { name: 'queued tasks', color: '--color-input', values: series.queued, isDashed: true },
      ],
    },
  ];
  return (
    <div className="grid content-start gap-6">
      <div className="grid gap-x-8 gap-y-5 @6xl:grid-cols-2">
        {charts.map(({ title, unit, lines, format, top }) => (
          <Section
            key={title}
            title={
              <>
                {title} <span className="font-normal text-quiet">{unit}</span>
              </>
            }
          >
            <Chart
              label={title}
              span={span}
              times={times}
              lines={lines}
              format={format}
              top={top}
              marks={marks}
              onPick={pick}
            />
          </Section>
        ))}
      </div>
      <p className="text-xs text-quiet">
        Of all replicas together; a gap is a time when none ran. A click on a point shows the tasks of its time.{' '}
        <Link to="/tasks" search={{ range: window }} className="text-ink underline underline-offset-3">
          The tasks of this time
        </Link>
      </p>
    </div>
  );
}
