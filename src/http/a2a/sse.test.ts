/** The budget for what waits for all slow readers together. What one of them costs is tested with real sockets. */
import { EventEmitter } from 'node:events';
import type { FastifyReply } from 'fastify';
import { expect, it } from 'vitest';
import { turnedClock } from '../../../test/support/turned-clock.ts';
import { ANONYMOUS } from '../../core/access/principal.ts';
import { silentLogger } from '../../core/logger.ts';
import { OpenStreams } from '../../core/streams/open-streams.ts';
import { type LogRow, taskRow } from '../../core/tasks/log.ts';
import { createSseStream } from './sse.ts';

/** A response whose socket takes nothing until `taken` says so. */
class StuckResponse extends EventEmitter {
  writableLength = 0;
  destroyed = false;
  write(text: string): boolean {
    this.writableLength += text.length;
    return false;
  }
  answer = '';
  send<T>(reply: () => T): (text: string) => T {
    return (text) => {
      this.answer = text;
      this.write(text);
      return reply();
    };
  }
  writeHead(): void {}
  setTimeout(): void {}
  taken(): void {
    this.writableLength = 0;
    this.emit('drain');
  }
}

it('[A9] while too much waits for readers that do not read no new stream is opened, and then one is again', () => {
  const reached: string[] = [];
  const streams = new OpenStreams(
    { heartbeatMs: 1000, maxBufferBytes: 1000, maxTotalBufferBytes: 250, stalledTimeoutMs: 1000 },
    turnedClock(),
    silentLogger,
    { streamOpened: () => {}, streamStalled: () => {}, limitReached: (limit) => reached.push(limit) },
    async () => true,
  );
  const framing = { event: (row: LogRow) => row.body, task: (json: string) => json };
  const begin = (raw: StuckResponse) => {
    const request = { principal: ANONYMOUS, headers: {} };
    const reply: Record<string, unknown> = { raw, request, hijack: () => {}, getHeaders: () => ({}) };
    Object.assign(reply, { headers: () => reply, send: raw.send(() => reply) });
    return createSseStream(streams, reply as unknown as FastifyReply, framing);
  };
  const open = (): StuckResponse => {
    const raw = new StuckResponse();
    begin(raw).snapshot(1, 'x'.repeat(100));
    return raw;
  };
  /** A stream that is over with its first event. */
  const openWhole = (): StuckResponse => {
    const raw = new StuckResponse();
    const row = taskRow(1, { taskId: 't', contextIdJson: '"c"' }, '{}', 'x'.repeat(40), true);
    expect(begin(raw).events([row], true)).toBe(true);
    expect(raw.answer).toBe(`id: 1\ndata: ${row.body}\n\n`);
    return raw;
  };
  const first = open();
  openWhole();
  const last = openWhole();
  const refusal = { code: 'LIMIT_EXCEEDED', message: expect.stringContaining('streams.maxTotalBufferBytes is 250') };
  expect(open).toThrowError(expect.objectContaining(refusal) as Error);
  expect(reached).toEqual(['streams.maxTotalBufferBytes']);
  first.taken();
  expect(open).not.toThrow();
  expect(open).toThrowError(expect.objectContaining(refusal) as Error);
  last.emit('close');
  expect(open).not.toThrow();
  expect(streams.openCount).toBe(4);
});
