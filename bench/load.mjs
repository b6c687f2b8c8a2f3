// One load against one server; prints one JSON object on stdout.
//   node load.mjs <send|stream|awaiting|get|list|fanout|chunks|llm|llm-added> --url URL [--header 'K: V']… [--pid PID]…
import { parseArgs } from 'node:util';
import { awaiting, chunks, get, list, send, stream } from './loads/a2a.mjs';
import { Target } from './loads/client.mjs';
import { fanout } from './loads/fanout.mjs';
import { llm, llmAdded } from './loads/llm.mjs';

const LOADS = { send, stream, awaiting, get, list, fanout, chunks, llm, 'llm-added': llmAdded };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' }, // JSON-RPC endpoint, or the OpenAI base URL (…/v1) for llm
    header: { type: 'string', multiple: true, default: [] },
    control: { type: 'string' }, // fanout: where the task is begun (default: where it is followed)
    url2: { type: 'string' }, // llm-added: the gateway (url is the direct upstream)
    header2: { type: 'string', multiple: true, default: [] },
    pid: { type: 'string', multiple: true, default: [] }, // the server's processes; their children count too
    connections: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '1' }, // seconds that are not counted
    count: { type: 'string' }, // stop after that many requests instead of --seconds
    size: { type: 'string', default: '1000' }, // characters of message text
    text: { type: 'string', default: '/stream count=2 interval=1 delay=0' }, // awaiting: what the agent is asked
    'page-size': { type: 'string', default: '50' },
    ensure: { type: 'string', default: '0' }, // get, list: create tasks until the server has that many
    ids: { type: 'string', default: '500' }, // get: how many distinct tasks are read
    subscribers: { type: 'string', default: '500' },
    ticks: { type: 'string', default: '200' },
    interval: { type: 'string', default: '0' }, // ms between events
    delay: { type: 'string', default: '4000' }, // fanout: ms before the first event
    stream: { type: 'boolean', default: false }, // llm: SSE
    model: { type: 'string', default: 'bench-model' },
  },
});

const [kind] = positionals;
const run = LOADS[kind];
if (!run || !values.url) {
  process.stderr.write(`usage: node load.mjs <${Object.keys(LOADS).join('|')}> --url URL [options], see README.md\n`);
  process.exit(2);
}
const number = (name) => (values[name] === undefined ? undefined : Number(values[name]));
const options = {
  connections: number('connections'),
  seconds: number('seconds'),
  warmupSeconds: number('warmup'),
  count: number('count'),
  pageSize: number('page-size'),
  ensure: number('ensure'),
  ids: number('ids'),
  subscribers: number('subscribers'),
  ticks: number('ticks'),
  intervalMs: number('interval'),
  delayMs: number('delay'),
  stream: values.stream,
  model: values.model,
  command: values.text,
  text: 'benchmark text '.repeat(Math.ceil(Number(values.size) / 15)).slice(0, Number(values.size)),
};
const isA2a = !kind.startsWith('llm');
const target = new Target(values.url, { headers: values.header, pids: values.pid.map(Number), isA2a });
const another = (url, headers) => (url ? new Target(url, { headers, pids: [], isA2a }) : undefined);
const second = another(values.url2, values.header2) ?? another(values.control, values.header);
process.stdout.write(`${JSON.stringify({ kind, ...(await run(target, options, second)) })}\n`);
