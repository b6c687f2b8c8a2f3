/** The same message from a program, by the official SDK. */
export function sdkSnippet(cardUrl: string, text: string): string {
  return `// npm install @a2a-js/sdk
import { ClientFactory, ClientFactoryOptions, DefaultAgentCardResolver, JsonRpcTransportFactory } from '@a2a-js/sdk/client';

const fetchImpl = (input, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('Authorization', \`Bearer \${process.env.KEY}\`);
  return fetch(input, { ...init, headers });
};
const factory = new ClientFactory(
  ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
    transports: [new JsonRpcTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  }),
);
const client = await factory.createFromUrl(${JSON.stringify(cardUrl)}, '');
const message = {
  messageId: crypto.randomUUID(),
  role: 1, // user
  parts: [{ content: { $case: 'text', value: ${JSON.stringify(text)} } }],
};
for await (const event of client.sendMessageStream({ message })) console.log(JSON.stringify(event));`;
}
