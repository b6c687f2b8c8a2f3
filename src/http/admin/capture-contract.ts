/** The management API of captures: what its requests and answers hold. */
import { z } from 'zod';
import { AGENT_ID } from '../../core/agents/registry.ts';
import { framesPageQueryFields } from './task-contract.ts';

export const MAX_CAPTURE_MINUTES = 60;

/** POST /api/v1/captures */
export const startCaptureRequestSchema = z.strictObject({
  agentId: z.string().regex(AGENT_ID, 'must be an agent id').optional().meta({ description: 'Default: every agent.' }),
  keyId: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: "Calls with this API key. Default: for the admin everybody's; others capture their own." }),
  minutes: z.int().min(1).max(MAX_CAPTURE_MINUTES).meta({ description: 'It ends by itself after so many minutes.' }),
  maxFrames: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'It ends when it has so many frames. Default, and most: `captures.maxFrames`.' }),
});

export const captureIdParamsSchema = z.object({ id: z.string().max(256) });
export const captureFramesQuerySchema = z.strictObject(framesPageQueryFields);

export const captureSchema = z.object({
  id: z.string(),
  agentId: z.string().nullable().meta({ description: 'null: every agent.' }),
  keyId: z.string().nullable().meta({ description: 'null: calls of everybody.' }),
  startedBy: z.string(),
  startedAt: z.iso.datetime(),
  endsAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable().meta({ description: 'null: it runs.' }),
  endedWhy: z
    .enum(['stopped', 'time', 'full'])
    .nullable()
    .meta({ description: '`full`: it has all the frames that it may, or `captures.maxBytes` is reached.' }),
  maxFrames: z.int(),
  frames: z.int(),
  bytes: z.int(),
});
export const captureListSchema = z.object({
  captures: z.array(captureSchema).meta({ description: 'Newest first, at most 200.' }),
});

export const capturedFrameSchema = z.object({
  num: z.int().meta({ description: 'Grows; for `after` of the next page.' }),
  exchangeId: z.string().meta({ description: 'The call that it belongs to.' }),
  taskId: z.string().nullable(),
  agentId: z.string(),
  keyId: z.string().nullable().meta({ description: 'null: the admin.' }),
  at: z.iso.datetime(),
  direction: z.enum(['in', 'out']).meta({ description: 'To this server, or from it.' }),
  kind: z.enum(['request', 'response', 'event', 'end']).meta({ description: '`end`: how a gRPC call ended.' }),
  transport: z.enum(['JSONRPC', 'HTTP+JSON', 'GRPC']),
  version: z.string().nullable().meta({ description: 'As the request says it; null: it says none, which is 0.3.' }),
  seq: z.int().nullable().meta({ description: 'The event that it carries; null: none, or none that is known.' }),
  line: z.string().meta({ description: 'The request line or the status line; empty for an event of a stream.' }),
  headers: z.array(z.tuple([z.string(), z.string()])).meta({ description: 'Secrets are masked.' }),
  body: z.string().meta({ description: 'As text, as it went over the wire; push tokens and credentials are masked.' }),
  bodyBytes: z.int().meta({ description: 'Of the whole body on the wire.' }),
  isCut: z.boolean().meta({ description: '`body` is its beginning: it is longer than `captures.maxFrameBytes`.' }),
  isDecoded: z.boolean().meta({ description: 'It was protobuf, and is shown as JSON.' }),
});
/** GET /api/v1/captures/{id}/frames, GET /api/v1/tasks/{id}/captured-frames */
export const capturedFramePageSchema = z.object({
  frames: z.array(capturedFrameSchema),
  nextAfter: z.int().nullable().meta({ description: 'For `after` of the next page; null: this is the last.' }),
});

export type StartCaptureRequest = z.input<typeof startCaptureRequestSchema>;
export type Capture = z.output<typeof captureSchema>;
export type CaptureList = z.output<typeof captureListSchema>;
export type CapturedFrame = z.output<typeof capturedFrameSchema>;
export type CapturedFramePage = z.output<typeof capturedFramePageSchema>;
