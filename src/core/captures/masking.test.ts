/** No secret of a caller or a receiver is in a captured frame. */
import { expect, it } from 'vitest';
import { isAboutPush, maskBody, maskHeaders, maskParameters } from './masking.ts';

it('[A12] credentials in headers are masked, whatever their case; the scheme stays', () => {
  const masked = maskHeaders([
    ['Authorization', 'Bearer pk_secret'],
    ['PROXY-authorization', 'pk_secret'],
    ['X-API-Key', 'pk_secret'],
    ['Cookie', 'parley_session=pk_secret'],
    ['set-cookie', 'parley_session=pk_secret'],
    ['x-csrf-token', 'pk_secret'],
    ['X-A2A-Notification-Token', 'pk_secret'],
    ['Content-Type', 'application/json'],
    ['a2a-version', '1.0'],
  ]);
  expect(JSON.stringify(masked)).not.toContain('pk_secret');
  expect(masked[0]).toEqual(['Authorization', 'Bearer ***']);
  expect(masked.slice(-2)).toEqual([
    ['Content-Type', 'application/json'],
    ['a2a-version', '1.0'],
  ]);
});

it.each([
  ['a configuration of 1.0', { taskId: 't', url: 'https://r.example/SECRET?k=SECRET', token: 'SECRET"SECRET' }, ''],
  ['one of 0.3', { pushNotificationConfig: { url: 'http://r.example/SECRET', token: 'SECRET' } }, ''],
  ['its credentials', { authentication: { scheme: 'Bearer', credentials: 'SECRET\\' } }, ''],
  ['with white space', { configuration: { token: 'SECRET', authentication: { credentials: 'SECRET' } } }, '  '],
])('[A12] push secrets in a body are masked: %s', (_what, params, space) => {
  const method = 'CreateTaskPushNotificationConfig';
  const body = JSON.stringify({ method, params }, null, space);
  const masked = maskBody(body);
  expect(masked).not.toContain('SECRET');
  expect(JSON.parse(masked)).toMatchObject({ method });
});

it('[A12] a secret that was cut off in its middle is masked too', () => {
  for (const cut of [
    '{"token":"SECR',
    '{"pushNotificationConfig":{"url":"https://r.example/SECR',
    '{"credentials":"SECR\\',
  ]) {
    expect(maskBody(cut)).not.toContain('SECR');
  }
});

it('everything else stays as it went over the wire', () => {
  const body = '{ "parts": [{"text":"the token is \\"x\\"","url":"https://example.org/a?b"}],\n "tokens": 3 }';
  expect(maskBody(body)).toBe(body);
});

it.each([
  '{"\\u0074oken":"SECRET"}',
  '{"TOKEN" : "SECRET","a":1}',
  '{"token":["SECRET",{"a":"SECRET ] }"}],"a":1}',
  '{"token":12345678,"a":[1]}',
  '{"credentials":{"a":"SECRET"}}',
  '{"token":"a\\\nSECRET"}',
  '{"x":"no end,"token":"SECRET"}',
  'token=SECRET&a=b',
])('[A12] a push secret is masked however it is written: %s', (body) => {
  expect(maskBody(body)).not.toMatch(/SECRET|12345678/);
});

it.each([
  ['https://user:SECRET@r.example/', 'https://r.example/***'],
  ['https:\\/\\/r.example\\/SECRET', 'https://r.example/***'],
  ['HTTPS://r.example/SECRET', 'HTTPS://r.example/***'],
  ['https://r.example?SECRET', 'https://r.example/***'],
  ['ftp://SECRET', '***'],
])('[A12] of the address of a receiver only the host is left: %s', (url, masked) => {
  expect(maskBody(`{"id":"1","url":"${url}"}`, true)).toBe(`{"id":"1","url":"${masked}"}`);
  expect(maskBody(`{"push\\u004eotificationConfig":{"url":"${url}"}}`)).toContain(`"url":"${masked}"`);
});

it('[A12] a cut address gives nothing away that would have been before its host', () => {
  expect(maskBody('{"url":"https://user:SECR', true)).toBe('{"url":"***');
});

it.each([
  ['POST /a2a/tasks/t/pushNotificationConfigs HTTP/1.1', '{"url":"x"}', true],
  ['POST /a2a/tasks/t/push%4eotificationConfigs HTTP/1.1', '{"url":"x"}', true],
  ['POST /lf.a2a.v1.A2AService/CreateTaskPushNotificationConfig HTTP/2', '{}', true],
  ['POST /a2a HTTP/1.1', '{"method":"CreateTaskPushNotificationConfig"}', true],
  ['POST /a2a HTTP/1.1', '{"method":"tasks/push\\u004eotificationConfig/set"}', true],
  ['POST /a2a HTTP/1.1', '{"method":"SendMessage","params":{"taskPushNotificationConfig":{}}}', false],
])('calls about receivers are known by their line or their method: %s %s', (line, body, is) => {
  expect(isAboutPush(line, body)).toBe(is);
});

it('[A12] credentials in the address of a request are masked, and what only pages is not', () => {
  expect(maskParameters('GET /a2a/tasks?pageToken=abc&access_token=S&api%5Fkey=S&x=1&apikey=S HTTP/1.1')).toBe(
    'GET /a2a/tasks?pageToken=abc&access_token=***&api%5Fkey=***&x=1&apikey=*** HTTP/1.1',
  );
  expect(maskHeaders([['referer', 'https://a.example/?token=S']])).toEqual([
    ['referer', 'https://a.example/?token=***'],
  ]);
});

it('[A12] a header in which a credential stands without a known scheme says nothing of it', () => {
  for (const name of ['authorization', 'x_api_key', 'api_key', 'x-goog-iap-jwt-assertion', 'x-auth-request-user']) {
    expect(maskHeaders([[name, 'SECRET and-more']])).toEqual([[name, '***']]);
  }
});

it('masking takes time in proportion to what is masked', () => {
  const body = `{"a":${'"token":{"url":['.repeat(20_000)}`;
  const startedAt = performance.now();
  maskBody(`${body}${'\\'.repeat(100_000)}`, true);
  maskParameters(`?${'key='.repeat(100_000)}`);
  // If it went with the square: minutes.
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

it('[U1] a large body that is all escapes is looked through about as fast as it is parsed', () => {
  const body = `{"a":"${'\\u0070'.repeat(1_000_000)}"}`;
  const quickest = (work: () => unknown): number => {
    const times = [1, 2, 3].map(() => {
      const startedAt = performance.now();
      work();
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  };
  expect(quickest(() => isAboutPush('POST /a2a HTTP/1.1', body))).toBeLessThan(4 * quickest(() => JSON.parse(body)));
});

it.each([
  ['{"\\u006dethod":"\\u0050ush\\u004Eotification"}', true],
  ['{"method" : "push\\u005Fnotification"}', true],
  ['{"method":"push","other":"pushNotification"}', false],
  ['{"metho":"pushNotification"}', false],
])('a method is known however it is written: %s', (body, is) => {
  expect(isAboutPush('POST /a2a HTTP/1.1', body)).toBe(is);
});
