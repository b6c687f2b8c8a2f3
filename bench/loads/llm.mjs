// The LLM loads: OpenAI-style chat completions, and what a gateway adds to the direct call.
import { quantile, round } from '../harness/stats.mjs';
import { shoot } from './client.mjs';
import { closedLoop } from './closed-loop.mjs';

const CONNECTIONS = 16;
const UNCOUNTED = 100; // requests that warm both sides up

const completionsPath = (target) => `${target.url.pathname.replace(/\/$/, '')}/chat/completions`;

function completionBody(options) {
  return JSON.stringify({
    model: options.model,
    stream: options.stream,
    messages: [{ role: 'user', content: options.text }],
  });
}

const expected = (options) => (options.stream ? '[DONE]' : '"choices"');

/** Chat completions in a closed loop. */
export async function llm(target, options) {
  const body = completionBody(options);
  const shape = {
    connections: options.connections ?? CONNECTIONS,
    path: completionsPath(target),
    expect: expected(options),
    needsEvents: options.stream,
  };
  return { stream: options.stream, ...(await closedLoop(target, options, () => body, shape)) };
}

/** One request at a time, direct and through the gateway in turn. */
export async function llmAdded(direct, options, gateway) {
  const body = completionBody(options);
  const count = options.count ?? 1500;
  const sides = [direct, gateway].map((target) => ({ target, pool: target.pool(1), latencies: [], firstBytes: [] }));
  for (let i = -UNCOUNTED; i < count; i++) {
    for (const { target, pool, latencies, firstBytes } of sides) {
      const start = performance.now();
      const answer = await shoot(pool, completionsPath(target), target.headers, body, { expect: expected(options) });
      if (answer.status !== 200 || !answer.ok) throw new Error(`HTTP ${answer.status} from ${completionsPath(target)}`);
      if (i < 0) continue;
      latencies.push(performance.now() - start);
      firstBytes.push(answer.firstAt - start);
    }
  }
  for (const { pool } of sides) await pool.close();
  const [a, b] = sides;
  const added = (key) => round(quantile(b[key], 0.5) - quantile(a[key], 0.5), 3);
  return {
    stream: options.stream,
    count,
    directP50: round(quantile(a.latencies, 0.5), 3),
    gatewayP50: round(quantile(b.latencies, 0.5), 3),
    addedP50: added('latencies'),
    directP99: round(quantile(a.latencies, 0.99), 3),
    gatewayP99: round(quantile(b.latencies, 0.99), 3),
    addedFirstByteP50: added('firstBytes'),
  };
}
