// Mock OpenAI-compatible upstream: a fixed completion, or an SSE stream of 20 chunks.
// usage: node arms/llm-mock.mjs --port N [--chunks 20] [--delay 0]   (delay: ms between chunks)

import http from 'node:http';
import { parseArgs } from 'node:util';

const { values: opt } = parseArgs({
  options: {
    port: { type: 'string' },
    chunks: { type: 'string', default: '20' },
    delay: { type: 'string', default: '0' },
  },
});
const N = Number(opt.chunks);
const DELAY = Number(opt.delay);
const base = { id: 'chatcmpl-bench', created: 1700000000, model: 'bench-model' };
const completion = Buffer.from(
  JSON.stringify({
    ...base,
    object: 'chat.completion',
    system_fingerprint: 'fp_bench',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'lorem ipsum '.repeat(60) },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 20, completion_tokens: 120, total_tokens: 140 },
  }),
);
const frame = (delta, finish_reason = null, extra = {}) =>
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }], ...extra })}\n\n`;
const frames = Array.from({ length: N }, (_, i) =>
  i === N - 1 ? frame({}, 'stop') : frame(i === 0 ? { role: 'assistant', content: '' } : { content: `word${i} ` }),
);
frames.push('data: [DONE]\n\n');

const server = http.createServer((req, res) => {
  if (req.method === 'GET') {
    res.setHeader('content-type', 'application/json');
    res.end('{"object":"list","data":[{"id":"bench-model","object":"model"}]}');
    return;
  }
  const chunks = [];
  req.on('data', (c) => chunks.push(c));
  req.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks));
    if (!body.stream) {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': completion.length });
      res.end(completion);
      return;
    }
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    let i = 0;
    const next = () => {
      res.write(frames[i++]);
      if (i === frames.length) {
        res.end();
        return;
      }
      if (DELAY > 0) setTimeout(next, DELAY);
      else setImmediate(next);
    };
    next();
  });
});
server.listen(Number(opt.port), '127.0.0.1', () => console.log('ready', opt.port));
process.on('SIGTERM', () => {
  server.closeAllConnections();
  process.exit(0);
});
