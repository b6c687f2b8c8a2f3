/** Free TCP ports on loopback. */
import { once } from 'node:events';
import { createServer } from 'node:net';
/** `count` different ports that nothing listened on a moment ago. All are held until all are known. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(async (server) => {
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        return server.address().port;
      }),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
