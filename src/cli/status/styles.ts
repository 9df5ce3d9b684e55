/** What is told by colours and weights, and never by them alone. */
import type { Style } from '../../ui/text/line.ts';

export const alarm: Style = { color: 'red', bold: true };
export const warning: Style = { color: 'yellow' };
export const good: Style = { color: 'green' };
export const bold: Style = { bold: true };
export const faint: Style = { dim: true };
