/** What a server takes of the machine's memory. Linux only. */
import { readFileSync } from 'node:fs';

export function residentBytes({ pid }: { readonly pid: number | undefined }): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error('No VmRSS');
  return Number(kib) * 1024;
}
