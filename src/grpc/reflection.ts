/** Server reflection, by which tools such as grpcurl learn the services. It shows public definitions only, to anyone. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { JsonObject, JsonValue } from '../protocol/json.ts';
import { bytesOf, encodedFiles, jsonOf, messageType, registry } from '../protocol/protobuf/messages.ts';
import { isJsonObject } from '../protocol/scalars.ts';
import { Exchange } from './exchange.ts';
import type { GrpcOptions } from './options.ts';

/** Both are alike; older tools know only the second. */
export const REFLECTION_PACKAGES = ['grpc.reflection.v1', 'grpc.reflection.v1alpha'] as const;

const NOT_FOUND = 5;

/** @param services that this server offers. */
export function reflectionHandler(
  packageName: string,
  services: readonly string[],
  { clock, limits, streams }: Pick<GrpcOptions, 'clock' | 'limits' | 'streams'>,
) {
  const requestType = messageType(`${packageName}.ServerReflectionRequest`);
  const responseType = messageType(`${packageName}.ServerReflectionResponse`);
  return (call: ServerDuplexStream<Buffer, Buffer>): void => {
    const exchange = Exchange.of(call.metadata);
    // Questions have the time of any request, and answers that of any reader: longer than both nobody needs.
    const lifeMs = limits.requestTimeoutMs + streams.limits.stalledTimeoutMs;
    exchange.onClosed(clock.after(lifeMs, () => exchange.cutOff()));
    call.on('data', (message: Buffer) => {
      try {
        const request = jsonOf(requestType, message);
        const host = isJsonObject(request) ? (request['host'] ?? '') : '';
        const response = { validHost: host, originalRequest: request, ...responseTo(request, services) };
        if (!call.write(Buffer.from(bytesOf(responseType, response)))) {
          call.pause();
          call.once('drain', () => call.resume());
        }
      } catch (error) {
        exchange.fail(error);
      }
    });
    call.on('end', () => call.end());
  };
}

function responseTo(request: JsonValue, services: readonly string[]): JsonObject {
  if (!isJsonObject(request)) return notFound('nothing was asked for');
  const { fileByFilename, fileContainingSymbol, allExtensionNumbersOfType, listServices } = request;
  if (typeof listServices === 'string') {
    return { listServicesResponse: { service: services.map((name) => ({ name })) } };
  }
  if (typeof fileByFilename === 'string') return files(fileByFilename);
  if (typeof fileContainingSymbol === 'string') return files(fileOf(fileContainingSymbol));
  if (typeof allExtensionNumbersOfType === 'string' && registry.getMessage(allExtensionNumbersOfType) !== undefined) {
    return { allExtensionNumbersResponse: { baseTypeName: allExtensionNumbersOfType } };
  }
  return notFound('there is no such extension or type');
}

/** Of a message, an enum, a service, or one of their members. */
function fileOf(symbol: string): string | undefined {
  const found = registry.get(symbol) ?? registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf('.'))));
  return found === undefined ? undefined : `${found.file.name}.proto`;
}

/** The file and all that it imports, so that one question is enough. */
function files(name: string | undefined): JsonObject {
  const wanted = new Set<string>();
  const add = (fileName: string): void => {
    const file = registry.getFile(fileName);
    if (file === undefined || wanted.has(fileName)) return;
    wanted.add(fileName);
    for (const dependency of file.dependencies) add(`${dependency.name}.proto`);
  };
  if (name !== undefined) add(name);
  const found = [...wanted].flatMap((fileName) => {
    const bytes = encodedFiles.get(fileName);
    return bytes === undefined ? [] : [Buffer.from(bytes).toString('base64')];
  });
  return found.length === 0
    ? notFound('there is no such file or symbol')
    : { fileDescriptorResponse: { fileDescriptorProto: found } };
}

function notFound(errorMessage: string): JsonObject {
  return { errorResponse: { errorCode: NOT_FOUND, errorMessage } };
}
