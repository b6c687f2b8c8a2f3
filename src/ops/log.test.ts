/** Log lines: what they hold, and what never gets into them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Logger } from '../core/logger.ts';
import { AppError } from '../protocol/errors.ts';
import { createLogger, type LoggerOptions } from './log.ts';

const SECRET = 'Vx3kPq9sTz7w"Lm2n\\Rb5c';
const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) };
let lines: string[];
beforeEach(() => {
  lines = [];
});

function open(options: Partial<LoggerOptions> = {}) {
  const destination = { write: (line: string) => void lines.push(line) };
  return createLogger({ level: 'trace', format: 'json', isTty: false, destination, clock, ...options });
}
const last = () => JSON.parse(lines.at(-1) ?? '');

describe('lines', () => {
  test('[O4] a line is one JSON object with time, level as a word, service and message', () => {
    open().logger.info('server started');
    expect(lines).toEqual([
      '{"level":"INFO","time":"2026-01-02T03:04:05.678Z","service":"parley","msg":"server started"}\n',
    ]);
  });

  test('[O4] lines carry the words FATAL, ERROR, WARN, INFO, DEBUG and TRACE', () => {
    const { logger } = open();
    for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const) logger[level]('x');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE']);
  });

  test('[O4] less severe lines than the level are left out, and silent leaves out all', () => {
    const { logger } = open({ level: 'warn' });
    logger.info('x');
    logger.warn('y');
    expect(lines).toHaveLength(1);
    open({ level: 'silent' }).logger.fatal('z');
    expect(lines).toHaveLength(1);
  });

  test('[O4] request, task and agent ids of a child are in each of its lines, and in those of its children', () => {
    const logger: Logger = open().logger;
    logger.child({ requestId: 'r1' }).child({ taskId: 't1', agentId: 'echo' }).warn({ seq: 3 }, 'slow');
    expect(last()).toMatchObject({
      requestId: 'r1',
      taskId: 't1',
      agentId: 'echo',
      seq: 3,
      msg: 'slow',
      level: 'WARN',
    });
  });

  test('an error is written with its chain of causes and the detail for operators, and no other field of it', () => {
    const foreign = Object.assign(new Error('connection refused', { cause: 'why' }), {
      code: 'ECONNREFUSED',
      config: { a: 1 },
    });
    const error = new AppError('UNAVAILABLE', 'Try again', {
      cause: foreign,
      detail: 'pool is down',
      metadata: { taskId: 't' },
    });
    open().logger.error(error);
    expect(last()).toMatchObject({
      msg: 'Try again',
      err: {
        type: 'AppError',
        code: 'UNAVAILABLE',
        message: 'Try again',
        detail: 'pool is down',
        metadata: { taskId: 't' },
        cause: { type: 'Error', code: 'ECONNREFUSED', message: 'connection refused', cause: 'why' },
      },
    });
    expect(last().err.stack).toContain('log.test.ts');
    expect(last().err.cause).not.toHaveProperty('config');
  });

  test('errors that cause themselves, aggregates and thrown values that are no errors are written too', () => {
    const loop = new Error('loop');
    loop.cause = loop;
    const { logger } = open();
    logger.error({ err: loop }, 'a');
    logger.error({ err: new AggregateError([new Error('one'), 'two'], 'both') }, 'b');
    expect(last().err.errors).toMatchObject([{ message: 'one' }, 'two']);
    logger.error({ err: { token: SECRET } }, 'c');
    expect(last().err).toEqual({ token: '[redacted]' });
    expect(lines).toHaveLength(3);
  });
});

describe('secrets', () => {
  test('[O14] fields whose names tell of a secret are redacted at any depth, in any spelling', () => {
    const headers = {
      authorization: SECRET,
      'X-API-Key': SECRET,
      Cookie: SECRET,
      'set-cookie': [SECRET],
      accept: 'a/b',
    };
    open().logger.info({
      request: { headers, rawHeaders: ['authorization', SECRET], body: { text: SECRET } },
      list: [{ deep: { deeper: { api_key: SECRET, apiKey: SECRET, accessToken: SECRET, client_secret: SECRET } } }],
      password: SECRET,
      token: SECRET,
      key: SECRET,
      maxTokens: 5,
      idempotencyKey: 'abc',
    });
    expect(lines[0]).not.toContain(JSON.stringify(SECRET).slice(1, -1));
    expect(last()).toMatchObject({
      request: { headers: { accept: 'a/b', authorization: '[redacted]' }, body: '[redacted]' },
      maxTokens: 5,
      idempotencyKey: 'abc',
    });
  });

  test('[O14] bindings of children, and query parameters of URLs, are redacted too', () => {
    const logger = open()
      .logger.child({ headers: { authorization: SECRET } })
      .child({ token: SECRET });
    logger.info({ req: { url: `/a?x=1&api_key=abc123&token=def456#f` } }, 'x');
    expect(last()).toMatchObject({
      headers: { authorization: '[redacted]' },
      token: '[redacted]',
      req: { url: '/a?x=1&api_key=[redacted]&token=[redacted]#f' },
    });
  });

  test('[O14] the request lines of Fastify have method, URL and status, and neither headers nor keys', async () => {
    const app = fastify({ loggerInstance: open().logger });
    app.get('/', (request) => {
      request.log.warn({ headers: request.headers, request: request.raw.headers }, 'seen');
      throw new Error('broken');
    });
    await app.inject({ url: '/?token=hunter22&x=1', headers: { authorization: 'Bearer hunter22' } });
    await app.close();
    const written = lines.map((line) => JSON.parse(line));
    expect(written.find(({ msg }) => msg === 'incoming request')?.req).toMatchObject({
      method: 'GET',
      url: '/?token=[redacted]&x=1',
    });
    expect(written.find(({ msg }) => msg === 'request completed')?.res).toEqual({ statusCode: 500 });
    expect(lines.join('')).not.toContain('hunter22');
  });

  test('[O14] known secrets are masked wherever they turn up, also inside messages and stacks', () => {
    const { logger } = open({ secrets: [SECRET, 'abc', ''] });
    logger.info(`connecting with ${SECRET}`);
    logger.error(new Error(`no such key: ${SECRET}`));
    logger.info({ note: [SECRET], abc: 'abc' });
    expect(lines.join('')).not.toContain(JSON.stringify(SECRET).slice(1, -1));
    expect(last()).toMatchObject({ note: ['[redacted]'], abc: 'abc' });
  });

  test('the logged object itself is not changed', () => {
    const fields = { headers: { authorization: SECRET } };
    open().logger.info(fields);
    expect(fields).toEqual({ headers: { authorization: SECRET } });
  });

  test('what is logged is cut to a bounded size: long texts, lists, depth, bytes and circles', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    open().logger.info({
      circle,
      text: 'x'.repeat(100_000),
      list: Array.from({ length: 5000 }, () => 'item'),
      bytes: Buffer.alloc(500),
    });
    expect(lines[0]?.length).toBeLessThan(20_000);
    expect(last()).toMatchObject({ bytes: '[500 bytes]' });
    expect(last().list).toHaveLength(101);
  });
});

describe('the form for reading', () => {
  test('is what auto gives on a terminal: one line with the level as a word, fields below', () => {
    open({ format: 'auto', isTty: true }).logger.warn({ taskId: 't1' }, 'task is slow');
    const escape = String.fromCharCode(27);
    const plain = lines.join('').replaceAll(new RegExp(`${escape}\\[\\d+m`, 'g'), '');
    expect(plain).toMatch(/^\[\d\d:\d\d:\d\d\.678\] WARN: task is slow\n +taskId: "t1"\n$/);
  });

  test('auto gives JSON where there is no terminal, and pretty can be asked for without colours', () => {
    open({ format: 'auto' }).logger.info('x');
    expect(last().msg).toBe('x');
    open({ format: 'pretty' }).logger.error('broken');
    expect(lines.at(-1)).toMatch(/^\[[\d:.]+\] ERROR: broken\n$/);
  });
});

describe('files', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'parley-log-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('[O4] the file gets the same lines as JSON, whatever the form of the normal output, without the secrets', async () => {
    const { logger, close } = open({ format: 'pretty', directory, secrets: [SECRET] });
    logger.info({ taskId: 't1' }, `with ${SECRET}`);
    await close();
    await close();
    expect(JSON.parse(readFileSync(join(directory, 'parley.log'), 'utf8'))).toMatchObject({
      taskId: 't1',
      msg: 'with [redacted]',
    });
    logger.info('after the end');
    expect(lines.at(-1)).toContain('after the end');
  });
});
