/** What a text tells the echo agent to do: a command at its beginning, or nothing but to be echoed. */

export type Command =
  | { readonly name: 'echo' }
  | { readonly name: 'stream'; readonly count: number; readonly intervalMs: number; readonly delayMs: number }
  | { readonly name: 'ask'; readonly question: string }
  | { readonly name: 'sleep'; readonly ms: number }
  | { readonly name: 'fail'; readonly reason: string }
  | { readonly name: 'reject' }
  | { readonly name: 'file'; readonly filename: string }
  /** A command that cannot be carried out as it is written. */
  | { readonly name: 'usage'; readonly problem: string };

export const MAX_STREAM_COUNT = 100_000;
/** One day. */
export const MAX_WAIT_MS = 86_400_000;

export const USAGE = [
  '/stream count=N interval=MS delay=MS',
  '/ask QUESTION',
  '/sleep MS',
  '/fail REASON',
  '/reject',
  '/file NAME',
] as const;

export function parseCommand(text: string): Command {
  const match = /^\/([a-z]+)(?:\s+([\s\S]*))?$/.exec(text);
  const rest = (match?.[2] ?? '').trim();
  switch (match?.[1]) {
    case 'stream':
      return parseStream(rest);
    case 'ask':
      return rest === '' ? usage('/ask needs a question') : { name: 'ask', question: rest };
    case 'sleep':
      return parseSleep(rest);
    case 'fail':
      return { name: 'fail', reason: rest === '' ? 'asked to fail' : rest };
    case 'reject':
      return { name: 'reject' };
    case 'file':
      return { name: 'file', filename: rest === '' ? 'echo.txt' : rest };
    default:
      return { name: 'echo' };
  }
}

function usage(problem: string): Command {
  return { name: 'usage', problem };
}

function parseStream(rest: string): Command {
  const values = { count: 10, interval: 100, delay: 0 };
  for (const word of rest.split(/\s+/).filter((part) => part !== '')) {
    const [key = '', value = ''] = word.split('=');
    if (!(key === 'count' || key === 'interval' || key === 'delay') || !/^\d{1,9}$/.test(value)) {
      return usage(`/stream takes count=N interval=MS delay=MS, not ${word}`);
    }
    values[key] = Number(value);
  }
  if (values.count > MAX_STREAM_COUNT) return usage(`count is at most ${MAX_STREAM_COUNT}`);
  if (values.interval > MAX_WAIT_MS || values.delay > MAX_WAIT_MS) return usage(`waits are at most ${MAX_WAIT_MS} ms`);
  return { name: 'stream', count: values.count, intervalMs: values.interval, delayMs: values.delay };
}

function parseSleep(rest: string): Command {
  if (!/^\d{1,9}$/.test(rest)) return usage('/sleep takes milliseconds');
  return Number(rest) > MAX_WAIT_MS
    ? usage(`waits are at most ${MAX_WAIT_MS} ms`)
    : { name: 'sleep', ms: Number(rest) };
}
