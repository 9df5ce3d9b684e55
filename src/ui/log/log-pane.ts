/** Where the log of a job is drawn, and how much of each row is left for its text. */
import type { LogView } from '../../store/view.ts';
import { bodyRows, type Size } from '../panels/layout.ts';

export interface LogPane {
  /** Of the box with what is known of the job; 0 where there is nothing but the log. */
  readonly infoRows: number;
  /** Of log lines, without the rule above them. */
  readonly rows: number;
  readonly textColumns: number;
}

export const logTimeColumns = 9;
const logStreamColumns = 4;
const infoRows = 4;
/** A blank at the left. There is no border: widths of foreign text can't be trusted to the last column. */
const marginColumns = 1;

export function logPane(size: Size, { isZoomed, hasTimes }: Pick<LogView, 'isZoomed' | 'hasTimes'>): LogPane {
  const info = isZoomed || size.rows < 20 ? 0 : infoRows;
  const ruleRows = 1;
  return {
    infoRows: info,
    rows: Math.max(1, bodyRows(size) - info - ruleRows),
    textColumns: Math.max(
      1,
      size.columns - marginColumns - (hasTimes ? logTimeColumns : 0) - logStreamColumns,
    ),
  };
}
