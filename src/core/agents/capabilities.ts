/** What a call may ask of an agent, by what its card declares (A2A 1.0 section 3.3.4). */
import { AppError } from '../../protocol/errors.ts';
import type { Part } from '../../protocol/v1/types.ts';
import type { Agent } from './registry.ts';

/** Streaming and subscribing need the capability. */
export function checkStreaming(agent: Agent): void {
  if (agent.description.capabilities.streaming === true) return;
  throw new AppError('UNSUPPORTED_OPERATION', 'This agent does not support streaming; use SendMessage and GetTask');
}

/** Every extension that the card requires must be activated by the client (section 4.6). */
export function checkExtensions(agent: Agent, activated: readonly string[]): void {
  for (const extension of agent.description.capabilities.extensions ?? []) {
    if (extension.required === true && !activated.includes(extension.uri)) {
      throw new AppError(
        'EXTENSION_SUPPORT_REQUIRED',
        `This agent requires the extension ${extension.uri}; name it in the A2A-Extensions header`,
        { metadata: { extension: extension.uri } },
      );
    }
  }
}

/**
 * The extensions that a call activates, of those that the agent declares. Where one that is required was not asked for the
 * call is refused, and none is activated.
 */
export function activatedExtensions(agent: Agent, requested: readonly string[]): readonly string[] {
  if (requested.length === 0) return [];
  const declared = agent.description.capabilities.extensions ?? [];
  if (declared.some(({ uri, required }) => required === true && !requested.includes(uri))) return [];
  return declared.filter(({ uri }) => requested.includes(uri)).map(({ uri }) => uri);
}

/** A part that says its media type must have one that the agent or one of its skills takes. */
export function checkMediaTypes(agent: Agent, parts: readonly Part[]): void {
  for (const [index, part] of parts.entries()) {
    if (part.mediaType === undefined || part.mediaType === '') continue;
    const { mediaType } = part;
    if (inputModes(agent).some((mode) => covers(mode, mediaType))) continue;
    throw new AppError('CONTENT_TYPE_NOT_SUPPORTED', `This agent does not take ${mediaType}`, {
      metadata: { field: `message.parts[${index}].mediaType`, mediaType },
    });
  }
}

function inputModes(agent: Agent): readonly string[] {
  const { defaultInputModes, skills } = agent.description;
  return [...defaultInputModes, ...skills.flatMap((skill) => skill.inputModes ?? [])];
}

/** `text/*` covers `text/plain`; parameters such as a charset do not count. */
function covers(mode: string, mediaType: string): boolean {
  const wanted = (mediaType.split(';')[0] ?? '').trim().toLowerCase();
  const offered = mode.toLowerCase();
  if (offered === '*/*' || offered === wanted) return true;
  return offered.endsWith('/*') && wanted.startsWith(offered.slice(0, -1));
}
