/** Decides what a request gets, without the network. */
import { isIP } from 'node:net';
import type { Verdict } from '../health/health.ts';
import type { Page } from '../metrics/page.ts';
import type { PageFormat } from '../metrics/text.ts';

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
  readonly accept: string;
  /** Whether it came over a loopback address. */
  readonly isLoopback: boolean;
}

/** See `Health`. */
export interface Judge {
  livez(): Verdict;
  readyz(): Verdict;
}

export interface Served {
  readonly page: (format: PageFormat) => Promise<Page>;
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

async function metrics({ accept }: Request, { page }: Served): Promise<Answer> {
  const { contentType, body } = await page(formatFor(accept));
  return { status: 200, headers: { 'content-type': contentType }, body };
}

/** OpenMetrics if it is asked for and nothing else is preferred. */
function formatFor(accept: string): PageFormat {
  const qualities = new Map<string, number>();
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    qualities.set(type, Math.max(quality, qualities.get(type) ?? 0));
  }
  const open = qualities.get('application/openmetrics-text') ?? 0;
  return open > 0 && open >= (qualities.get('text/plain') ?? 0) ? 'openmetrics' : 'prometheus';
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
