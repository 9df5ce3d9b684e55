/**
 * The field `metrics` of the config, and the forms of its address: `127.0.0.1:9464`, `[::1]:9464`, `:9464` for all
 * addresses, or `unix:/run/metrics.sock`.
 */
import { resolve } from 'node:path';
import * as v from 'valibot';
import { problems } from './problems.ts';
import { flag, line } from './scalars.ts';
import { fields } from './shapes.ts';

export type ListenAddress =
  | {
      readonly kind: 'tcp';
      /** For people, and to compare two. */
      readonly text: string;
      /** '' for all addresses of this machine. */
      readonly host: string;
      readonly port: number;
    }
  | { readonly kind: 'unix'; readonly text: string; readonly path: string };

export const listenForms = 'HOST:PORT, such as "127.0.0.1:9464", or "unix:PATH"';

const unixForm = /^unix:(.+)$/;
const tcpForm = /^(?:\[([\da-f:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/i;
const highestPort = 65_535;

/** @returns `null` if it has another form */
export function readListenAddress(text: string): ListenAddress | null {
  const [, path] = unixForm.exec(text) ?? [];
  if (path !== undefined) return { kind: 'unix', text, path };
  const [, ipv6, host, digits] = tcpForm.exec(text) ?? [];
  const port = Number(digits ?? 0);
  return port < 1 || port > highestPort ? null : { kind: 'tcp', text, host: ipv6 ?? host ?? '', port };
}

/** @param directory absolute; a relative path begins here */
export function resolveListenAddress(address: ListenAddress, directory: string): ListenAddress {
  if (address.kind === 'tcp') return address;
  const path = resolve(directory, address.path);
  return { kind: 'unix', text: `unix:${path}`, path };
}

export const metrics = fields('Metrics for Prometheus, and the health of the runner.', 'an object', {
  listen: v.nullish(
    v.pipe(
      line(
        'Where the runner serves /metrics, /livez and /readyz: host and port, such as "127.0.0.1:9464", ":9464" for all addresses, or "unix:PATH". null: nowhere.',
        listenForms,
        /^/,
      ),
      v.check(
        (text) => readListenAddress(text) !== null,
        (issue) => problems.notA(issue.input, listenForms),
      ),
    ),
    null,
  ),
  classLabel: v.optional(
    flag(
      'Whether metrics of jobs also have a label with the class of the job. It multiplies the number of series.',
    ),
    false,
  ),
});
