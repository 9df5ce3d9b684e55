/** The fields of the config about metrics. */
import * as v from 'valibot';
import { listenForms, readListenAddress } from './listen-address.ts';
import { problems } from './problems.ts';
import { flag, line } from './scalars.ts';
import { fields } from './shapes.ts';

export const metrics = fields('Metrics for Prometheus, and the health of the runner.', 'an object', {
  listen: v.nullish(
    v.pipe(
      line(
        'Where the runner serves /metrics, /livez and /readyz: a host and a port, such as "127.0.0.1:9464" or ":9464" for all addresses, or "unix:PATH". null: nowhere.',
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
    flag('Whether metrics of jobs also have a label with the class of the job. It multiplies their number.'),
    false,
  ),
});
