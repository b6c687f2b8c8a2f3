/** The configuration of the replicas: everything that waits waits shortly, so that a minute holds many faults. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The path of the file. */
export function writeConfig(dir: string, leaseTtlMs: number): string {
  const file = join(dir, 'parley.yaml');
  const lines = [
    'server:',
    // A little more than the balancer needs to see it.
    '  drainDelayMs: 600',
    '  drainMs: 2000',
    'tasks:',
    // Less than there are clients: some work always waits for whichever replica has room.
    '  maxRunning: 4',
    `  leaseTtlMs: ${leaseTtlMs}`,
    '  cancelGraceMs: 1000',
    // Here replicas die all the time, and no task of their own is to blame.
    '  maxAttempts: 100',
    'streams:',
    '  heartbeatMs: 1000',
    // Counted by all replicas together, and never reached.
    'rateLimit:',
    '  perMinute: 1000000',
    'push:',
    "  allowNetworks: ['127.0.0.0/8']",
    '  timeoutMs: 2000',
    '  pollMs: 200',
    '  retry:',
    '    initialDelayMs: 100',
    '    maxDelayMs: 1000',
    'database:',
    '  pool:',
    '    acquireTimeoutMs: 5000',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
