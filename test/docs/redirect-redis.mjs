/**
 * Documents say `localhost:6379`, and so do the program's defaults. Loaded into every Node process of a sandbox, this
 * leads connections to that port to the Redis of the tests: commands run as they stand in the document, and never
 * reach a Redis that this machine may have there.
 */
import { Socket } from 'node:net';

const redisPort = 6379;
const ownPort = Number(process.env.RR_DOCS_REDIS_PORT);
// Called with the socket that it is of.
// oxlint-disable-next-line typescript/unbound-method
const connect = Socket.prototype.connect;

/**
 * @this {Socket}
 * @param {any[]} args as `connect` takes them, or as one array from within Node
 */
Socket.prototype.connect = function redirected(...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (Number(options?.port) === redisPort) Object.assign(options, { host: '127.0.0.1', port: ownPort });
  if (options === redisPort) Object.assign(args, [ownPort, '127.0.0.1']);
  // @ts-expect-error: whichever of its forms it was called in.
  return connect.apply(this, args);
};
