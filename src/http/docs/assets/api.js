// @ts-nocheck: a script of the browser, whose types this program does not have.
/** The API page: renders /docs/openapi.json and sends requests. The key stays in the input and is never stored. */

const $ = (id) => document.getElementById(id);

/** An element with attributes and children; text is always text. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** `code`, **strong** and paragraphs: all of Markdown that the description uses. */
function prose(text) {
  return text.split(/\n\n+/).map((paragraph) => h('p', {}, ...inline(paragraph)));
}

function inline(text) {
  return text
    .split(/(\*\*[^*]+\*\*|`[^`]+`)/)
    .filter((piece) => piece !== '')
    .map((piece) => {
      if (piece.startsWith('**')) return h('strong', {}, ...inline(piece.slice(2, -2)));
      return piece.startsWith('`') ? h('code', {}, piece.slice(1, -1)) : piece;
    });
}

let description;

function resolve(value) {
  if (value?.$ref === undefined) return value;
  return value.$ref
    .slice(2)
    .split('/')
    .reduce((at, name) => at[name], description);
}

// ---- schemas ----

const nameOf = (ref) => ref.slice(ref.lastIndexOf('/') + 1);
const schemaLink = (ref) => h('a', { href: `#schema-${nameOf(ref)}` }, nameOf(ref));

/** A schema in a short notation, as text and links. */
function typeOf(schema, indent = '') {
  if (schema === true || schema === undefined) return ['any'];
  if (schema.$ref !== undefined) return [schemaLink(schema.$ref)];
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum !== undefined) return [schema.enum.map((value) => JSON.stringify(value)).join(` |\n${indent}  `)];
  const either = schema.oneOf ?? schema.anyOf;
  if (either !== undefined) {
    return either.flatMap((one, index) => [index === 0 ? '' : ` |\n${indent}`, ...typeOf(one, indent)]);
  }
  if (schema.type === 'array') return [...typeOf(schema.items, indent), '[]'];
  if (schema.properties !== undefined) return objectOf(schema, indent);
  return [`${[schema.type ?? 'any'].flat().join(' | ')}${boundsOf(schema)}`];
}

function objectOf(schema, indent) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties).flatMap(([name, property]) => {
    const about = property.description === undefined ? '' : `   // ${property.description}`;
    const mark = required.has(name) ? '' : '?';
    return [`\n${indent}  ${name}${mark}: `, ...typeOf(property, `${indent}  `), about];
  });
  return ['{', ...fields, `\n${indent}}`];
}

function boundsOf({ minLength, maxLength, minimum, maximum, format, pattern }) {
  const short = [];
  if (format !== undefined) short.push(format);
  if (maxLength !== undefined) short.push(`${minLength ?? 0}-${maxLength} characters`);
  if (maximum !== undefined && maximum < 2 ** 31) short.push(`${minimum ?? ''}-${maximum}`);
  if (pattern !== undefined && format === undefined && pattern.length < 40) short.push(pattern);
  return short.length === 0 ? '' : ` (${short.join(', ')})`;
}

// ---- operations ----

function operations() {
  const found = [];
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of ['get', 'post', 'patch', 'delete']) {
      if (item[method] !== undefined) found.push({ path, method, server: item.servers?.[0]?.url, ...item[method] });
    }
  }
  return found;
}

const ADDRESS = /^\/a2a(\/agents\/\{agentId\})?(?=\/|$)/;
/** Which of the two addresses a path is below; undefined: neither, or the card, which is shown always. */
function addressOf({ path, tags }) {
  return tags[0] === 'Cards' ? undefined : ADDRESS.exec(path)?.[0];
}

function renderOperation(operation) {
  const { method, path, summary, operationId } = operation;
  const details = h(
    'details',
    { class: 'operation', id: `op-${operationId}` },
    h(
      'summary',
      {},
      h('span', { class: 'method mono' }, method.toUpperCase()),
      h('span', { class: 'path mono' }, path),
      h('span', { class: 'what' }, summary),
    ),
  );
  const address = addressOf(operation);
  if (address !== undefined) details.dataset.address = address;
  // Made when it is opened: there are many.
  details.addEventListener(
    'toggle',
    () => {
      if (details.open && details.childElementCount === 1) details.append(renderDetail(operation));
    },
    {},
  );
  return details;
}

function renderDetail(operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const fields = parameters.map((parameter) => renderField(operation, parameter));
  const body = renderBody(operation, fields);
  return h(
    'div',
    { class: 'detail' },
    operation.description === undefined ? null : prose(operation.description),
    operation.security?.length === 0 ? h('p', { class: 'quiet' }, 'Needs no key.') : null,
    fields.length === 0 ? null : h('div', { class: 'section' }, h('h3', {}, 'Parameters'), ...fields.map((f) => f.row)),
    body === null ? null : body.section,
    renderTry(operation, fields, body),
    renderResponses(operation),
  );
}

function renderField(operation, parameter) {
  const id = `${operation.operationId}-${parameter.in}-${parameter.name}`;
  const schema = resolve(parameter.schema);
  const options = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : null);
  const value = parameter.example ?? schema.default ?? '';
  const input =
    options === null
      ? h('input', { id, value, autocomplete: 'off', spellcheck: 'false' })
      : h('select', { id }, h('option', { value: '' }, ''), ...options.map((option) => h('option', {}, option)));
  const about = [
    parameter.in,
    parameter.required ? 'required' : null,
    parameter.description ?? `${schema.type ?? ''}${boundsOf(schema)}`,
  ];
  const row = h(
    'div',
    { class: 'field' },
    h('label', { for: id, class: 'mono' }, parameter.name),
    input,
    h('small', {}, about.filter(Boolean).join(', ')),
  );
  return { parameter, input, row };
}

/** The body as text to edit; of several examples one is chosen, and its version with it. */
function renderBody({ requestBody, operationId }, fields) {
  if (requestBody === undefined) return null;
  const media = requestBody.content['application/json'];
  const id = `${operationId}-body`;
  const area = h('textarea', { id, spellcheck: 'false', rows: '12' });
  const show = (value) => {
    area.value = JSON.stringify(fresh(value), null, 2);
  };
  const examples = Object.entries(media.examples ?? {});
  const choose = h(
    'select',
    {
      'aria-label': 'Example',
      change: () => {
        const example = media.examples[choose.value];
        show(example.value);
        const version = fields.find(({ parameter }) => parameter.name === 'A2A-Version');
        if (version !== undefined) version.input.value = example['x-parley-version'];
      },
    },
    ...examples.map(([name, { summary }]) => h('option', { value: name }, summary)),
  );
  show(examples[0]?.[1].value ?? media.example ?? {});
  const section = h(
    'div',
    { class: 'section' },
    h('h3', {}, h('label', { for: id }, 'Body')),
    examples.length === 0 ? null : h('div', { class: 'actions' }, choose),
    area,
    h('details', {}, h('summary', { class: 'quiet' }, 'Schema'), h('pre', {}, ...typeOf(media.schema))),
  );
  return { section, area };
}

/** A message id of its own for each example: a repeated one would join the earlier task. */
function fresh(value) {
  const copy = structuredClone(value);
  const message = copy?.params?.message ?? copy?.message;
  if (message?.messageId !== undefined) message.messageId = `m-${Math.random().toString(36).slice(2, 10)}`;
  return copy;
}

function renderResponses({ responses }) {
  const rows = Object.entries(responses).map(([status, value]) => {
    const response = resolve(value);
    const schema = Object.values(response.content ?? {})[0]?.schema;
    return h(
      'tr',
      {},
      h('td', { class: 'mono' }, status),
      h('td', {}, ...inline(response.description)),
      h('td', { class: 'mono' }, ...(schema?.$ref === undefined ? [] : [schemaLink(schema.$ref)])),
    );
  });
  return h(
    'div',
    { class: 'section' },
    h('h3', {}, 'Answers'),
    h('div', { class: 'scroll' }, h('table', {}, h('tbody', {}, ...rows))),
  );
}

// ---- trying ----

function requestOf(operation, fields, body) {
  let { path } = operation;
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of fields) {
    const value = input.value.trim();
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value !== '' && parameter.in === 'query') query.append(parameter.name, value);
    else if (value !== '') headers[parameter.name] = value;
  }
  const text = body === null ? '' : body.area.value.trim();
  if (text !== '') headers['Content-Type'] = 'application/json';
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  return { url: `${path}${search}`, method: operation.method.toUpperCase(), headers, text };
}

function renderTry(operation, fields, body) {
  const out = h('div', { class: 'answer', 'aria-live': 'polite' });
  let running = null;
  const stop = h('button', { type: 'button', disabled: true, click: () => running?.abort() }, 'Stop');
  const send = h(
    'button',
    {
      type: 'button',
      class: 'primary',
      click: async () => {
        running?.abort();
        running = new AbortController();
        stop.disabled = false;
        await sendRequest(operation, requestOf(operation, fields, body), out, running.signal);
        stop.disabled = true;
      },
    },
    'Send',
  );
  const copy = h(
    'button',
    {
      type: 'button',
      click: async () => {
        await navigator.clipboard.writeText(curlOf(operation, requestOf(operation, fields, body)));
        copy.textContent = 'Copied';
        setTimeout(() => (copy.textContent = 'Copy as curl'), 1500);
      },
    },
    'Copy as curl',
  );
  // Another listener: this page may call only its own.
  if (operation.server !== undefined) {
    return h('p', {}, 'On another listener: ', h('code', {}, `${operation.server}${operation.path}`));
  }
  return h('div', { class: 'section' }, h('div', { class: 'actions' }, send, stop, copy), out);
}

/** With the key as a variable, so that it does not end up in a history. */
function curlOf({ security }, { url, method, headers, text }) {
  const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;
  const needsKey = security === undefined || security.length > 0;
  const lines = [
    `curl -sN -X ${method} ${quote(`${location.origin}${url}`)}`,
    ...(needsKey ? ['-H "Authorization: Bearer $PARLEY_KEY"'] : []),
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(text === '' ? [] : [`-d ${quote(text)}`]),
  ];
  return lines.join(' \\\n  ');
}

async function sendRequest({ security }, { url, method, headers, text }, out, signal) {
  const startedAt = performance.now();
  const line = h('div', { class: 'status' }, 'Waiting ...');
  const view = h('pre', { tabindex: '0' });
  out.replaceChildren(line);
  const key = $('key').value.trim();
  const sendsKey = key !== '' && (security === undefined || security.length > 0);
  try {
    const response = await fetch(url, {
      method,
      headers: sendsKey ? { ...headers, Authorization: `Bearer ${key}` } : headers,
      ...(text === '' ? {} : { body: text }),
      signal,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    });
    const say = (end) => {
      const ms = Math.round(performance.now() - startedAt);
      const type = response.headers.get('content-type') ?? '';
      const id = response.headers.get('x-request-id') ?? '';
      line.replaceChildren(
        h('span', { class: response.ok ? 'good' : 'bad' }, `${response.status} ${response.statusText}`),
        ` in ${ms} ms ${end} ${type}${id === '' ? '' : `, request ${id}`}`,
      );
    };
    say('');
    out.append(view);
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) await readStream(response, view);
    else view.textContent = pretty(await response.text());
    say('');
    if (view.textContent === '') view.remove();
  } catch (error) {
    if (signal.aborted) line.append(' stopped');
    else line.replaceChildren(h('span', { class: 'bad' }, 'No answer: '), String(error.message ?? error));
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Shows a stream as it comes; the view follows its end. */
async function readStream(response, view) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    view.append(value);
    view.scrollTop = view.scrollHeight;
  }
}

// ---- the page ----

function renderErrors() {
  const rows = description['x-parley-errors'].map(({ code, jsonRpc, http, meaning, remedy }) =>
    h(
      'tr',
      {},
      h('td', { class: 'mono' }, code),
      h('td', { class: 'mono' }, String(jsonRpc)),
      h('td', { class: 'mono' }, String(http)),
      h('td', {}, ...inline(`${meaning} ${remedy}`)),
    ),
  );
  const head = ['Error', 'JSON-RPC', 'HTTP', 'Meaning'].map((title) => h('th', { scope: 'col' }, title));
  return h(
    'section',
    { class: 'group', id: 'errors' },
    h('h2', {}, 'Errors'),
    h('p', {}, 'One name for each, in every transport and version: the reason in its details.'),
    h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows))),
  );
}

function renderSchemas() {
  const entries = Object.entries(description.components.schemas).map(([name, schema]) => {
    const details = h(
      'details',
      { class: 'schema operation', id: `schema-${name}` },
      h('summary', {}, h('code', {}, name)),
    );
    details.addEventListener('toggle', () => {
      if (details.open && details.childElementCount === 1) details.append(h('pre', {}, ...typeOf(schema)));
    });
    return details;
  });
  return h('section', { class: 'group', id: 'schemas' }, h('h2', {}, 'Schemas'), ...entries);
}

function showAddress() {
  const address = $('address').value;
  for (const element of document.querySelectorAll('[data-address]'))
    element.hidden = element.dataset.address !== address;
}

/** Opens what the address names, and shows it even where the other kind of address is chosen. */
function openHash() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target === null) return;
  const { address } = target.dataset;
  if (address !== undefined && $('address').value !== address) {
    $('address').value = address;
    showAddress();
  }
  if (target instanceof HTMLDetailsElement) target.open = true;
  target.scrollIntoView();
}

async function start() {
  const response = await fetch('/docs/openapi.json', { credentials: 'omit' });
  if (!response.ok) throw new Error(`/docs/openapi.json answered ${response.status}`);
  description = await response.json();
  const all = operations();
  const nav = [];
  const groups = description.tags.map(({ name, description: about }) => {
    const own = all.filter(({ tags }) => tags[0] === name);
    const id = `tag-${name.replaceAll(' ', '-')}`;
    nav.push(
      h('h2', {}, h('a', { href: `#${id}` }, name)),
      h('a', { href: `#${id}`, class: 'jump' }, name),
      ...own.map((operation) => {
        const entry = h('a', { href: `#op-${operation.operationId}`, class: 'entry' }, operation.summary);
        const address = addressOf(operation);
        if (address !== undefined) entry.dataset.address = address;
        return entry;
      }),
    );
    return h('section', { class: 'group', id }, h('h2', {}, name), h('p', {}, about), ...own.map(renderOperation));
  });
  nav.push(h('h2', {}, 'Reference'), h('a', { href: '#errors' }, 'Errors'), h('a', { href: '#schemas' }, 'Schemas'));
  $('nav').replaceChildren(...nav);
  $('content').replaceChildren(
    h('div', { class: 'intro' }, h('h1', {}, 'API'), ...prose(description.info.description)),
    ...groups,
    renderErrors(),
    renderSchemas(),
  );
  if (description.security.every((entry) => Object.keys(entry).length === 0)) $('key').parentElement.hidden = true;
  $('address').addEventListener('change', showAddress);
  addEventListener('hashchange', openHash);
  showAddress();
  openHash();
}

start().catch((error) => {
  $('content').replaceChildren(h('p', { class: 'bad' }, `The description could not be loaded: ${error.message}`));
});
