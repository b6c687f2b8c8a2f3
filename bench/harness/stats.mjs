// Medians, quantiles and rounding, all tolerant of missing values.

/** The q-quantile (0..1) of the values, null when there are none. */
export function quantile(values, q) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** The median of those values that are finite numbers, null when there are none. */
export function median(values) {
  const sorted = values.filter((v) => Number.isFinite(v)).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Rounds numbers and leaves everything else as it is. */
export const round = (value, digits = 2) => (typeof value === 'number' ? Number(value.toFixed(digits)) : value);

/** The median of one key over several records, rounded: CPU milliseconds to 3 digits, the rest to 2. */
export const medianOf = (records, key) =>
  round(median(records.map((r) => r[key])), key.startsWith('cpuMs') || key === 'msPerChunk' ? 3 : 2);
