/**
 * Documents and the program's defaults use `localhost:6379`. Every Node process of a sandbox loads this file, which
 * redirects connections to that port to the test Redis. So commands run exactly as in the document, and never reach a
 * real Redis on this machine.
 */
import { Socket } from 'node:net';

const redisPort = 6379;
const ownPort = Number(process.env.RR_DOCS_REDIS_PORT);
// It is called with its socket as `this`.
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
  // @ts-expect-error: any of its overloads.
  return connect.apply(this, args);
};
