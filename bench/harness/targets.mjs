// The targets that Parley sets itself, judged from the records of a run by the medians of its arms.
import { median, round } from './stats.mjs';

const OURS = 'parley-sqlite';
const OURS_ON_POSTGRES = 'parley-postgres';
const IN_MEMORY = 'sdk-memory';

/** What a row says whose arms or suites were not part of the run. */
export const NOT_MEASURED = 'not measured';

/** A "flat" cost may differ by this factor between its ends. */
const FLAT = 1.2;
/** Memory that may stay per finished task: what the heap of a busy process moves by itself, over tens of thousands. */
const KIB_PER_TASK = 0.5;
const IDLE_MB = 120;
const START_MS = 500;

/**
 * Judges the records. A row is { target, limit, measured, met }: `met` is true, false, undefined when the run did not
 * measure it, or null when no limit is set. Where rates are compared, both requests per second and requests per CPU-second
 * of the server must reach the limit; an arm that gave bad answers meets nothing.
 */
export function judge(records) {
  const data = { records, of: (labels) => records.filter((r) => matches(r, labels)) };
  return [
    ...['send', 'stream'].map((kind) => faster(data, kind, OURS, IN_MEMORY, 1.5)),
    ...['send', 'stream'].map((kind) => faster(data, kind, OURS, 'sdk-sqlite-full', 10)),
    ...['send', 'stream'].map((kind) => faster(data, kind, OURS_ON_POSTGRES, 'sdk-postgres', 10)),
    ...['send', 'stream'].map((kind) => cheaper(data, kind, OURS, 'raw-sqlite', 2)),
    faster(data, 'get', OURS, IN_MEMORY, 2.5),
    ...[OURS, OURS_ON_POSTGRES].map((arm) => listGrowth(data, arm)),
    fanout(data, OURS, 1.8),
    ...[IN_MEMORY, 'sdk-sqlite-full', 'raw-sqlite'].map((peer) => faster(data, 'awaiting', OURS, peer, undefined)),
    faster(data, 'awaiting', OURS_ON_POSTGRES, 'sdk-postgres', undefined),
    ...[OURS, OURS_ON_POSTGRES].map((arm) => chunkGrowth(data, arm)),
    ...['firstMs', 'againMs'].map((key) => startTime(data, key)),
    idleMemory(data),
    ...[OURS, OURS_ON_POSTGRES].map((arm) => memoryGrowth(data, arm)),
  ];
}

const matches = (record, labels) => Object.entries(labels).every(([key, value]) => record[key] === value);
const med = (records, key) => median(records.map((r) => r[key]));
const NAMES = {
  send: 'blocking send',
  stream: 'streaming send',
  awaiting: 'blocking send to an agent that awaits',
  get: 'get',
};

/** A row from what was compared; `isMet` gets nothing to say when a side is missing or answered badly. */
function row(target, limit, sides, measured, isMet) {
  const noVerdict = isMet === undefined ? null : undefined;
  if (sides.some((side) => side.length === 0)) return { target, limit, measured: NOT_MEASURED, met: noVerdict };
  const bad = sides.flat().reduce((sum, record) => sum + (record.bad ?? 0), 0);
  if (bad > 0) return { target, limit, measured: `${measured()}; ${bad} bad answers`, met: false };
  return { target, limit, measured: measured(), met: isMet ? isMet() : noVerdict };
}

function faster({ of }, kind, ours, peer, atLeast) {
  const [a, b] = [ours, peer].map((arm) => of({ suite: 'core', kind, arm }));
  const ratio = (key) => med(a, key) / med(b, key);
  return row(
    `${NAMES[kind]}: ${ours} against ${peer}`,
    atLeast === undefined ? 'none set' : `at least ${atLeast} ×`,
    [a, b],
    () => `${round(ratio('rps'))} × per second, ${round(ratio('perCpuSecond'))} × per CPU-second`,
    atLeast === undefined ? undefined : () => ratio('rps') >= atLeast && ratio('perCpuSecond') >= atLeast,
  );
}

function cheaper({ of }, kind, ours, peer, atMost) {
  const [a, b] = [ours, peer].map((arm) => of({ suite: 'core', kind, arm }));
  const ratio = () => med(a, 'cpuMsPerRequest') / med(b, 'cpuMsPerRequest');
  return row(
    `${NAMES[kind]}: CPU of ${ours} against ${peer}`,
    `at most ${atMost} ×`,
    [a, b],
    () => `${round(ratio())} ×`,
    () => ratio() <= atMost,
  );
}

function fanout({ of }, ours, atLeast) {
  const [a, b] = [ours, IN_MEMORY].map((arm) => of({ suite: 'fanout', arm }));
  const ratio = (key) => med(a, key) / med(b, key);
  return row(
    `${a[0]?.subscribers ?? 500} subscribers of one task, events per second: ${ours} against ${IN_MEMORY}`,
    `at least ${atLeast} ×`,
    [a, b],
    () => `${round(ratio('eventsPerSec'))} × per second, ${round(ratio('eventsPerCpuSecond'))} × per CPU-second`,
    () => ratio('eventsPerSec') >= atLeast,
  );
}

/** The least and the greatest value of a key; [undefined, undefined] unless there are two. */
function ends(records, key) {
  const values = [...new Set(records.map((r) => r[key]))].sort((a, b) => a - b);
  return values.length < 2 ? [] : [values[0], values[values.length - 1]];
}

function listGrowth({ of }, arm) {
  const records = of({ suite: 'growth', kind: 'list', arm });
  const [small, large] = ends(records, 'size');
  const [a, b] = [small, large].map((size) => records.filter((r) => r.size === size));
  const ratio = () => med(b, 'cpuMsPerRequest') / med(a, 'cpuMsPerRequest');
  return row(
    `list page of 50 out of ${large ?? 50_000}, CPU against out of ${small ?? 1000}: ${arm}`,
    'at most 2 ×',
    [a ?? [], b ?? []],
    () => `${round(ratio())} × (p50 ${med(a, 'p50')} and ${med(b, 'p50')} ms)`,
    () => ratio() <= 2,
  );
}

function chunkGrowth({ of }, arm) {
  const records = of({ suite: 'chunks', arm });
  const [small, large] = ends(records, 'chunks');
  const [a, b] = [small, large].map((chunks) => records.filter((r) => r.chunks === chunks));
  const ratio = (key) => med(b, key) / med(a, key);
  return row(
    `cost per chunk of a task with ${large ?? 4000}, against one with ${small ?? 100}: ${arm}`,
    `flat: at most ${FLAT} ×`,
    [a ?? [], b ?? []],
    () => `${round(ratio('cpuMsPerChunk'))} × CPU, ${round(ratio('msPerChunk'))} × time`,
    () => ratio('cpuMsPerChunk') <= FLAT && ratio('msPerChunk') <= FLAT,
  );
}

function startTime({ of }, key) {
  const records = of({ suite: 'startup', arm: OURS });
  return row(
    `first answer after the start of the process, ${key === 'firstMs' ? 'empty folder' : 'start again'}: ${OURS}`,
    `at most ${START_MS} ms`,
    [records],
    () => `${round(med(records, key), 0)} ms`,
    () => med(records, key) <= START_MS,
  );
}

function idleMemory({ of }) {
  const records = of({ suite: 'startup', arm: OURS });
  const megabytes = () => (med(records, 'rssMiB') * 2 ** 20) / 1e6;
  return row(
    `resident memory when idle: ${OURS}`,
    `under ${IDLE_MB} MB`,
    [records],
    () => `${round(megabytes(), 0)} MB`,
    () => megabytes() < IDLE_MB,
  );
}

/** Between the two largest sizes: before that the heap is still warming up. */
function memoryGrowth({ of }, arm) {
  const records = of({ suite: 'growth', kind: 'rss', arm }).filter((r) => r.size > 0);
  const [from, to] = records.sort((a, b) => a.size - b.size).slice(-2);
  const sides = from && to ? [[from], [to]] : [[]];
  const kibPerTask = () => ((to.rssMiB - from.rssMiB) * 1024) / (to.size - from.size);
  return row(
    `memory with finished tasks, from ${from?.size ?? 10_000} to ${to?.size ?? 50_000}: ${arm}`,
    `no growth: at most ${KIB_PER_TASK} KiB per task`,
    sides,
    () => `${from.rssMiB} to ${to.rssMiB} MiB, ${round(kibPerTask())} KiB per task`,
    () => kibPerTask() <= KIB_PER_TASK,
  );
}
