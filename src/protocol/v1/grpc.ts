/** The gRPC service of A2A 1.0 (section 10): each method has the name of its operation, and the fields of JSON-RPC. */
import { OPERATIONS } from '../codec.ts';
import type { GrpcService } from '../grpc.ts';
import { codecV1 } from './codec.ts';

export const grpcV1: GrpcService = {
  name: 'lf.a2a.v1.A2AService',
  methods: OPERATIONS.map((operation) => ({ name: operation, operation })),
  codec: codecV1,
  decode: (operation, request) => codecV1.decodeParams(operation, request),
};
