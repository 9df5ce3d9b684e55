/** Decides what a request gets, without the network. */
import { isIP } from 'node:net';
import type { Verdict } from '../health/health.ts';
import { contentType } from '../metrics/page.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Request {
  readonly method: string;
  /** Path, perhaps with a query. */
  readonly url: string;
  /** '' if there is none. */
  readonly host: string;
  /** Whether it came over a loopback address. */
  readonly isLoopback: boolean;
}

/** See `Health`. */
export interface Judge {
  livez(): Verdict;
  readyz(): Verdict;
}

export interface Served {
  readonly page: () => Promise<Buffer>;
  /** Answers immediately. */
  readonly health: Judge;
}

type Route = (request: Request, served: Served) => Answer | Promise<Answer>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/metrics', metrics],
  ['/livez', (_, { health }) => verdict(health.livez())],
  ['/readyz', (_, { health }) => verdict(health.readyz())],
]);

export function answerTo(request: Request, served: Served): Answer | Promise<Answer> {
  if (request.isLoopback && !isOwnName(request.host)) {
    return text(403, 'over a loopback address, the Host header must be localhost or an IP address\n');
  }
  const [path = ''] = request.url.split('?', 1);
  const route = routes.get(path);
  if (route === undefined) return text(404, `not found; there are ${[...routes.keys()].join(', ')}\n`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return text(405, 'only GET and HEAD are allowed\n', { allow: 'GET, HEAD' });
  }
  return route(request, served);
}

/**
 * A website can have its name point to 127.0.0.1, and its script in the browser of a user on this machine would then read
 * everything as its own ("DNS rebinding"). The browser sends the website's name.
 */
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase();
  return host === '' || name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

async function metrics(_: Request, { page }: Served): Promise<Answer> {
  return { status: 200, headers: { 'content-type': contentType }, body: await page() };
}

function verdict(judged: Verdict): Answer {
  return {
    status: judged.ok ? 200 : 503,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(`${JSON.stringify(judged)}\n`),
  };
}

function text(status: number, body: string, headers: Answer['headers'] = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: Buffer.from(body),
  };
}

/** If the page can't be made, which is a fault of this program. */
export function failure(): Answer {
  return text(500, 'the runner could not collect its metrics; its log has the reason\n');
}
