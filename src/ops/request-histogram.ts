/** Durations of HTTP requests as a Prometheus histogram. Every request passes it: it costs a look-up and two additions. */
import type { Metric, Registry } from 'prom-client';

/** Upper bounds of the buckets, in seconds. */
export const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

interface Series {
  readonly method: string;
  readonly route: string;
  readonly status: string;
  /** Requests per bucket, each counted once; the last bucket has no bound. */
  readonly counts: Float64Array;
  sum: number;
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class RequestHistogram {
  readonly name = 'parley_http_request_duration_seconds';
  readonly help = 'HTTP requests by method, route and status; streams last until they end';
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly labelNames = ['method', 'route', 'status'] as const;
  /** By route, method and status: a key put together of all three would cost more than the rest. */
  readonly #series = new Map<string, Map<string, Map<number, Series>>>();

  /** Adds itself to the registry, which asks only for what a metric of its own has: `name` and `get`. */
  register(registry: Registry): void {
    registry.registerMetric(this as unknown as Metric);
  }

  /** @param seconds from the first byte of the request to the last one of the answer. */
  observe(method: string, route: string, status: number, seconds: number): void {
    const series = this.#series.get(route)?.get(method)?.get(status) ?? this.#add(method, route, status);
    let bucket = 0;
    for (const bound of DURATION_BUCKETS) {
      if (seconds <= bound) break;
      bucket++;
    }
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += seconds;
  }

  #add(method: string, route: string, status: number): Series {
    const counts = new Float64Array(DURATION_BUCKETS.length + 1);
    const series: Series = { method, route, status: String(status), counts, sum: 0 };
    const byMethod = this.#series.get(route) ?? new Map<string, Map<number, Series>>();
    const byStatus = byMethod.get(method) ?? new Map<number, Series>();
    this.#series.set(route, byMethod.set(method, byStatus.set(status, series)));
    return series;
  }

  /** What the registry renders. */
  async get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: Sample[] }> {
    const { name, help, type, aggregator } = this;
    return {
      name,
      help,
      type,
      aggregator,
      values: [...this.#series.values()].flatMap((byMethod) =>
        [...byMethod.values()].flatMap((byStatus) => [...byStatus.values()].flatMap((series) => this.#samples(series))),
      ),
    };
  }

  #samples({ method, route, status, counts, sum }: Series): Sample[] {
    const labels = { method, route, status };
    const samples: Sample[] = [];
    let total = 0;
    for (const [index, count] of counts.entries()) {
      total += count;
      const le = DURATION_BUCKETS[index] ?? '+Inf';
      samples.push({ metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: total });
    }
    samples.push({ metricName: `${this.name}_sum`, labels, value: sum });
    samples.push({ metricName: `${this.name}_count`, labels, value: total });
    return samples;
  }
}
