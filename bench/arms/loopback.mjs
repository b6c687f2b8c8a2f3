// Preload (node --import): makes any server that listens on a port without a
// host listen on 127.0.0.1 only, so that a peer is never exposed by a benchmark.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function patched(...args) {
  if (typeof args[0] === 'number') {
    if (typeof args[1] === 'string') args[1] = '127.0.0.1';
    else if (args[1] === undefined) args[1] = '127.0.0.1';
    else args.splice(1, 0, '127.0.0.1');
  } else if (args[0] && typeof args[0] === 'object' && 'port' in args[0]) {
    args[0] = { ...args[0], host: '127.0.0.1' };
  }
  return listen.apply(this, args);
};
