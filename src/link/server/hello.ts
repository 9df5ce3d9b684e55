/** The first message to every client, even to one that is then refused. */
import { type HealthView, protocolVersion, type ServerHello } from '../../protocol/frames.ts';

export interface GreetingHost {
  readonly hello: Omit<ServerHello, 'type' | 'protocol' | 'isOwner' | 'health'>;
  health(): HealthView;
}

export function helloOf(host: GreetingHost, isOwner: boolean): ServerHello {
  return { type: 'hello', protocol: protocolVersion, ...host.hello, isOwner, health: host.health() };
}
