// Starts and stops arms, runs loads against them, and keeps every measurement of the run as a record.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, ROOT, runLoad, STATE, startChild, stopChild, waitFor200 } from './children.mjs';
import { cpuSeconds, rssMiB } from './proc.mjs';
import { median, round } from './stats.mjs';

/**
 * One run of the benchmark. `records` are flat objects { at, suite, kind, arm, … }, the only source of the tables and of
 * the verdict; `tables` are { title, head, rows }; `notes` are sentences for the reader of the report.
 * Call `stop()` at the end, whatever happened: it ends everything that was started, also after a failed start.
 */
export class Runner {
  records = [];
  tables = [];
  notes = [];
  #arms;
  #chosen;
  #live = [];
  #upstream;

  /** @param chosen names of `--arms`, or undefined for the default arms of each suite */
  constructor(arms, chosen) {
    this.#arms = arms;
    this.#chosen = chosen;
    fs.mkdirSync(STATE, { recursive: true });
  }

  /** The arms to measure: those that were asked for, else the defaults without those that cannot run here. */
  names(defaults) {
    for (const name of this.#chosen ?? defaults) {
      if (!this.#arms[name]) throw new Error(`no arm "${name}"; known: ${Object.keys(this.#arms).join(', ')}`);
    }
    if (this.#chosen) return this.#chosen;
    return defaults.filter((name) => {
      const reason = this.#arms[name].unavailable?.();
      if (reason) this.note(`${name} was left out: ${reason}.`);
      return !reason;
    });
  }

  note(sentence) {
    if (this.notes.includes(sentence)) return;
    this.notes.push(sentence);
    process.stderr.write(`${sentence}\n`);
  }

  /** Starts several arms, one after the other. */
  async upAll(names) {
    const arms = [];
    for (const name of names) arms.push(await this.up(name));
    return arms;
  }

  /** Starts an arm and waits until it answers. `readyMs` is from the spawn to the first 200. */
  async up(name) {
    const definition = this.#arms[name];
    const reason = definition.unavailable?.();
    if (reason) throw new Error(`${name}: ${reason}`);
    const upstream = definition.kind === 'llm' ? await this.#mockUpstream() : undefined;
    const arm = { name, dir: fs.mkdtempSync(path.join(STATE, `${name}-`)), cleanups: [] };
    this.#live.push(arm);
    arm.spec = await definition.start({
      port: await freePort(),
      dir: arm.dir,
      upstream: upstream?.url,
      defer: (cleanup) => arm.cleanups.push(cleanup),
    });
    arm.url = arm.spec.url;
    arm.headers = arm.spec.headers ?? [];
    await this.#spawn(arm);
    if (arm.spec.external) arm.serverPids = [arm.spec.pid ?? upstream?.pid].filter(Boolean);
    arm.pids = [...arm.serverPids, ...(arm.spec.extraPids ?? [])];
    Object.assign(arm, await arm.spec.prepare?.());
    return arm;
  }

  /** Stops the server and starts it again over the same data; sets `readyMs` again. */
  async restart(arm) {
    await stopChild(arm.child);
    await this.#spawn(arm);
    arm.pids = [...arm.serverPids, ...(arm.spec.extraPids ?? [])];
  }

  async #spawn(arm) {
    const start = performance.now();
    if (!arm.spec.external) {
      arm.child = startChild(arm.spec, arm.name);
      arm.serverPids = [arm.child.pid];
    }
    await waitFor200(arm.spec.ready, arm.child);
    arm.readyMs = performance.now() - start;
  }

  async #mockUpstream() {
    if (this.#upstream) return this.#upstream;
    const port = await freePort();
    const args = [path.join(ROOT, 'arms', 'llm-mock.mjs'), '--port', String(port)];
    const child = startChild({ cmd: process.execPath, args }, 'llm-mock');
    this.#live.push({ child, cleanups: [] });
    const url = `http://127.0.0.1:${port}/v1`;
    await waitFor200(`${url}/models`, child);
    this.#upstream = { url, pid: child.pid };
    return this.#upstream;
  }

  /** Stops an arm and removes what it stored. */
  async down(arm) {
    await stopChild(arm.child);
    while (arm.cleanups.length > 0) await arm.cleanups.pop()();
    if (arm.dir) fs.rmSync(arm.dir, { recursive: true, force: true });
    this.#live = this.#live.filter((other) => other !== arm);
  }

  async downAll(arms) {
    for (const arm of arms) await this.down(arm);
  }

  /** Stops everything that still runs, last started first. Goes on when one cannot be stopped. */
  async stop() {
    for (const arm of [...this.#live].reverse()) {
      try {
        await this.down(arm);
      } catch (error) {
        process.stderr.write(`${arm.name}: not cleaned up: ${error.message}\n`);
      }
    }
  }

  /** One load against one arm. `labels` say what distinguishes this measurement (size of the store, …). */
  async load(arm, suite, kind, args, labels = {}) {
    const result = await this.#generate(arm, kind, args);
    const record = this.record({ suite, kind, arm: arm.name, ...labels }, result);
    const value = result.rps ?? result.eventsPerSec ?? result.msPerTask ?? result.addedP50;
    process.stderr.write(`${suite} ${arm.name} ${kind} ${Object.values(labels).join(' ')} ${value}\n`);
    return record;
  }

  /**
   * One load against every server of an arm at once, each from a generator of its own. The record has the sum of the rates, the
   * median of the generators' p50, the worst p99, and what servers and database used of the processors in the middle of it.
   *
   * @param argsOf what a generator gets besides, by the number of its server
   * @param window the milliseconds from the start at which processors are looked at: from, to
   */
  async loadAll(arm, suite, kind, argsOf, window, labels = {}) {
    const servers = [...arm.serverPids, ...arm.otherPids];
    const runs = arm.urls.map((url, index) => {
      const headers = arm.headers.flatMap((header) => ['--header', header]);
      return runLoad([kind, '--url', url, ...headers, ...argsOf(index)]);
    });
    const usage = usedCores(servers, arm.databasePids, window);
    const results = await Promise.all(runs);
    const { serverCores, databaseCores } = await usage;
    const sum = (key) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
    const rate = kind === 'fanout' ? sum('eventsPerSec') : sum('rps');
    const record = this.record(
      { suite, kind, arm: arm.name, ...labels },
      {
        rps: round(rate, 1),
        bad: sum('bad'),
        p50: median(results.map((result) => result.p50 ?? result.lagP50ms)),
        p99: Math.max(...results.map((result) => result.p99 ?? result.lagP99ms)),
        serverCores: round(serverCores),
        databaseCores: round(databaseCores),
        generatorCores: round(sum('generatorCores')),
        serverMsPer: round((serverCores * 1000) / rate, 4),
        databaseMsPer: round((databaseCores * 1000) / rate, 4),
        rssMiB: round(rssMiB(servers), 1),
      },
    );
    process.stderr.write(`${suite} ${arm.name} ${kind} ${Object.values(labels).join(' ')} ${record.rps}\n`);
    return record;
  }

  /** The same without a record: lets the JIT compiler see the code first. */
  async warmUp(arm, kind, args) {
    await this.#generate(arm, kind, args);
  }

  #generate(arm, kind, args) {
    const headers = arm.headers.flatMap((header) => ['--header', header]);
    const pids = arm.pids.flatMap((pid) => ['--pid', String(pid)]);
    return runLoad([kind, '--url', arm.url, ...headers, ...pids, ...args]);
  }

  /** Memory of the server itself, in MiB, without its database. */
  serverRssMiB(arm) {
    return rssMiB(arm.serverPids);
  }

  record(labels, values) {
    const record = { at: new Date().toISOString(), ...values, ...labels };
    this.records.push(record);
    fs.appendFileSync(path.join(STATE, 'results.jsonl'), `${JSON.stringify(record)}\n`);
    return record;
  }

  /** The records that have all of these values. */
  select(labels) {
    return this.records.filter((r) => Object.entries(labels).every(([key, value]) => r[key] === value));
  }

  table(title, head, rows) {
    this.tables.push({ title, head, rows });
  }
}

/** Processors in use, on average, between two moments from now. */
async function usedCores(serverPids, databasePids, [fromMs, toMs]) {
  await sleep(fromMs);
  const before = { at: performance.now(), servers: cpuSeconds(serverPids), database: cpuSeconds(databasePids) };
  await sleep(toMs - fromMs);
  const elapsed = (performance.now() - before.at) / 1000;
  return {
    serverCores: (cpuSeconds(serverPids) - before.servers) / elapsed,
    databaseCores: (cpuSeconds(databasePids) - before.database) / elapsed,
  };
}
