// Process accounting from Linux /proc: CPU seconds and memory of a process and its children.
import fs from 'node:fs';

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux that Node runs on

function stat(pid) {
  try {
    const line = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    // Its own, and that of its children that have ended: PostgreSQL has a process for each connection.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), cpu: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** A process and all its living descendants. */
function tree(root) {
  const children = new Map();
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const s = stat(name);
    if (!s) continue;
    const siblings = children.get(s.parent) ?? [];
    siblings.push(Number(name));
    children.set(s.parent, siblings);
  }
  const found = [];
  const walk = (pid) => {
    found.push(pid);
    for (const child of children.get(pid) ?? []) walk(child);
  };
  walk(Number(root));
  return found;
}

const everyPid = (pids) => new Set(pids.flatMap((pid) => tree(pid)));

/** CPU seconds used so far by the given processes and all their descendants. */
export function cpuSeconds(pids) {
  let sum = 0;
  for (const pid of everyPid(pids)) sum += stat(pid)?.cpu ?? 0;
  return sum;
}

/** Busy CPU seconds of the whole machine so far (all cores, steal included): shows noisy neighbours. */
export function machineCpuSeconds() {
  const [user, nice, system, , , irq, softirq, steal] = fs
    .readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Resident memory, in MiB, of the given processes and all their living descendants. */
export function rssMiB(pids) {
  let kib = 0;
  for (const pid of everyPid(pids)) {
    try {
      kib += Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
    } catch {
      // it ended meanwhile
    }
  }
  return kib / 1024;
}
