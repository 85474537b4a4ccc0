import type { Meters } from '../observe/meters.ts';
import { type ConnectionPhase, halfClosedBy } from './connection-view.ts';

/** A phase of a connection that is open. */
export type OpenPhase = Exclude<ConnectionPhase, 'closed'>;

const PHASES: readonly OpenPhase[] = [
  'opening',
  'connecting',
  'established',
  ...Object.values(halfClosedBy),
  'draining',
];

/** What one worker counts of a listener's L4 connections: how many are in each phase, and how they have ended. */
export class PhaseMeters {
  readonly #meters: Meters;
  readonly #listener: string;
  readonly #open: Record<OpenPhase, number>;
  readonly #ends = new Map<string, number>();

  constructor(meters: Meters, listener: string) {
    this.#meters = meters;
    this.#listener = listener;
    const cells = PHASES.map((phase) => [phase, meters.gauge('connections_phase', { listener, phase })]);
    this.#open = Object.fromEntries(cells) as Record<OpenPhase, number>;
  }

  /** A connection comes into a phase. */
  entered(phase: OpenPhase): void {
    this.#meters.cells[this.#open[phase]]! += 1;
  }

  /** It leaves a phase: for another one, or as it ends. */
  left(phase: OpenPhase): void {
    this.#meters.cells[this.#open[phase]]! -= 1;
  }

  /** From now on those that are established count as draining. */
  drain(): void {
    const { cells } = this.#meters;
    const { established, draining } = this.#open;
    if (established === draining) return;
    cells[draining]! += cells[established]!;
    cells[established] = 0;
    this.#open.established = draining;
  }

  /** A connection has ended; `how` is one of a fixed set. */
  ended(how: string): void {
    let cell = this.#ends.get(how);
    if (cell === undefined) {
      cell = this.#meters.counter('connections_ended_total', { listener: this.#listener, how });
      this.#ends.set(how, cell);
    }
    this.#meters.cells[cell]! += 1;
  }
}
