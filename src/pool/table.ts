import { QueueTable } from './queue-table.ts';

/**
 * The shared table: what all threads must agree on to balance exactly. The control plane decides states, health and
 * weights; workers count leases and turns. A field is one Int32 cell, read and changed with Atomics, so a change is seen
 * by every worker's next pick without a message.
 */

/** Administrative states, as an operator sets them. */
export const AdminState = { enabled: 0, draining: 1, disabled: 2 } as const;
export type AdminState = (typeof AdminState)[keyof typeof AdminState];

/** What the agent beside a backend asks for. */
export interface AgentWishes {
  readonly admin: AdminState;
  /** Of the weight; undefined for all of it. */
  readonly percent?: number | undefined;
  /** The most leases at once, 0 for no limit; undefined for that of the config. */
  readonly maxActive?: number | undefined;
}

/** An ejection, and how it ends: by a trial, which is open until one worker takes it for one lease. */
const Ejection = { none: 0, ejected: 1, trialOpen: 2, trialTaken: 3 } as const;

/** What is known of a backend's health. */
export const Health = { unknown: 0, up: 1, down: 2 } as const;
export type Health = (typeof Health)[keyof typeof Health];

/** How many of each the table holds; fixed when the process starts. */
export interface TableSize {
  /** Backends over all pools, those of retired configs that still drain included. */
  readonly backends: number;
  readonly pools: number;
  /** Turns that routes with a weighted split take. */
  readonly splits: number;
  readonly listeners: number;
  /** Workers. */
  readonly lanes: number;
}

/** The size unless told otherwise: some 630 KiB with two workers. */
export const DEFAULT_TABLE_SIZE: Omit<TableSize, 'lanes'> = {
  backends: 4096,
  pools: 1024,
  splits: 4096,
  listeners: 256,
};

const BackendCell = {
  admin: 0,
  health: 1,
  refused: 2,
  ejected: 3,
  weight: 4,
  maxActive: 5,
  active: 6,
  streak: 7,
  missing: 8,
  agentAdmin: 9,
  agentPercent: 10,
  agentMax: 11,
  configuredMax: 12,
  owners: 13,
} as const;
/** As many as a cache line has, so that workers that count leases on two backends do not share one. */
const BACKEND_CELLS = 16;
/** What a backend is short of its weight is counted in this many parts of it. */
const RAMP_PARTS = 65_536;
/** Numbers of backends that fit in a cell, with one to spare. */
const MAX_NUMBERS = 2 ** 31 - 1;
const PoolCell = { version: 0, turn: 1 } as const;
const POOL_CELLS = 2;
/** Latency series per backend, each an estimate with the time of its last change. */
export const LATENCY_SERIES = 9;
/** Process-wide cells: open client connections. */
const GLOBAL_CELLS = 1;

function regions(size: TableSize) {
  const pools = size.backends * BACKEND_CELLS;
  const splits = pools + size.pools * POOL_CELLS;
  const listeners = splits + size.splits;
  const global = listeners + size.listeners;
  const held = global + GLOBAL_CELLS;
  const open = held + size.backends * size.lanes;
  const latency = open + size.listeners * size.lanes;
  const queues = latency + size.backends * LATENCY_SERIES * 2;
  return {
    pools,
    splits,
    listeners,
    global,
    held,
    open,
    latency,
    queues,
    end: queues + QueueTable.cellsFor(size),
  };
}

/** A view on the shared table. Make it once, pass `memory` and `size` to each worker and view it there. */
export class SharedTable {
  readonly memory: SharedArrayBuffer;
  readonly size: TableSize;
  /** Who waits for leases. */
  readonly queues: QueueTable;
  readonly #cells: Int32Array;
  readonly #at: ReturnType<typeof regions>;

  constructor(size: TableSize, memory?: SharedArrayBuffer) {
    this.size = size;
    this.#at = regions(size);
    this.memory = memory ?? new SharedArrayBuffer(this.#at.end * Int32Array.BYTES_PER_ELEMENT);
    this.#cells = new Int32Array(this.memory);
    this.queues = new QueueTable(this.#cells, this.#at.queues, size);
  }

  // Backends, by slot.

  /** The state that an operator has set or the backend's agent has asked for, whichever lets less through. */
  admin(slot: number): AdminState {
    const operator = Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.admin);
    const agent = Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.agentAdmin);
    return Math.max(operator, agent) as AdminState;
  }

  setAdmin(slot: number, state: AdminState): void {
    Atomics.store(this.#cells, slot * BACKEND_CELLS + BackendCell.admin, state);
  }

  health(slot: number): Health {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.health) as Health;
  }

  setHealth(slot: number, health: Health): void {
    Atomics.store(this.#cells, slot * BACKEND_CELLS + BackendCell.health, health);
  }

  /** True since a worker's connect was refused and until a probe succeeds. */
  refused(slot: number): boolean {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.refused) === 1;
  }

  /** Sets the mark; true when it was not set before, for the one worker that reports it. */
  markRefused(slot: number): boolean {
    return Atomics.compareExchange(this.#cells, slot * BACKEND_CELLS + BackendCell.refused, 0, 1) === 0;
  }

  /** Clears the mark; true when it was set. */
  clearRefused(slot: number): boolean {
    return Atomics.exchange(this.#cells, slot * BACKEND_CELLS + BackendCell.refused, 0) === 1;
  }

  /** True from an ejection until a trial, or something else, has ended it. */
  ejected(slot: number): boolean {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.ejected) !== Ejection.none;
  }

  setEjected(slot: number, ejected: boolean): void {
    const state = ejected ? Ejection.ejected : Ejection.none;
    Atomics.store(this.#cells, slot * BACKEND_CELLS + BackendCell.ejected, state);
  }

  /** Lets one lease decide whether an ejection ends. */
  openTrial(slot: number): void {
    Atomics.store(this.#cells, slot * BACKEND_CELLS + BackendCell.ejected, Ejection.trialOpen);
  }

  /** True while one lease is to decide, or is about to. */
  onTrial(slot: number): boolean {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.ejected) >= Ejection.trialOpen;
  }

  /** Takes the trial; true for the one that has it. */
  takeTrial(slot: number): boolean {
    const { trialOpen, trialTaken } = Ejection;
    return this.#exchangeEjection(slot, trialOpen, trialTaken);
  }

  /** Gives a trial back that has decided nothing. */
  returnTrial(slot: number): void {
    const { trialOpen, trialTaken } = Ejection;
    this.#exchangeEjection(slot, trialTaken, trialOpen);
  }

  #exchangeEjection(slot: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#cells, slot * BACKEND_CELLS + BackendCell.ejected, from, to) === from;
  }

  weight(slot: number): number {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.weight);
  }

  /** How much of its weight a backend's agent says that it is to have. */
  weightShare(slot: number): number {
    const cell = Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.agentPercent);
    return cell === 0 ? 1 : (cell - 1) / 100;
  }

  setWeight(slot: number, weight: number): void {
    Atomics.store(this.#cells, slot * BACKEND_CELLS + BackendCell.weight, weight);
  }

  /** The share of its weight that a backend may have: 1 unless it starts slowly. */
  ramp(slot: number): number {
    return 1 - Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.missing) / RAMP_PARTS;
  }

  /** Takes a share above 0. Workers see it at their next pick, if a touch of the pool has told them that a ramp began. */
  setRamp(slot: number, share: number): void {
    const missing = Math.min(RAMP_PARTS - 1, Math.round((1 - share) * RAMP_PARTS));
    Atomics.store(this.#cells, slot * BACKEND_CELLS + BackendCell.missing, missing);
  }

  /** The most leases at once, 0 for no limit. */
  maxActive(slot: number): number {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.maxActive);
  }

  setMaxActive(slot: number, max: number): void {
    Atomics.store(this.#cells, slot * BACKEND_CELLS + BackendCell.configuredMax, max);
    this.#limit(slot);
  }

  /** What picks read is one cell. Limits have one writer, the control plane. */
  #limit(slot: number): void {
    const at = slot * BACKEND_CELLS;
    const agent = Atomics.load(this.#cells, at + BackendCell.agentMax);
    const max = agent > 0 ? agent - 1 : Atomics.load(this.#cells, at + BackendCell.configuredMax);
    Atomics.store(this.#cells, at + BackendCell.maxActive, max);
  }

  /** Sets what a backend's agent asks for; what it has not said leaves to others what is undefined. */
  setAgent(slot: number, { admin, percent, maxActive }: AgentWishes): void {
    const at = slot * BACKEND_CELLS;
    Atomics.store(this.#cells, at + BackendCell.agentAdmin, admin);
    Atomics.store(this.#cells, at + BackendCell.agentPercent, percent === undefined ? 0 : percent + 1);
    Atomics.store(this.#cells, at + BackendCell.agentMax, maxActive === undefined ? 0 : maxActive + 1);
    this.#limit(slot);
  }

  /** Leases held by all workers together. */
  active(slot: number): number {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.active);
  }

  /** Takes one lease for a worker and returns how many there are now. */
  hold(slot: number, lane: number): number {
    this.#cells[this.#at.held + lane * this.size.backends + slot]!++;
    return Atomics.add(this.#cells, slot * BACKEND_CELLS + BackendCell.active, 1) + 1;
  }

  /** Gives one lease back. */
  letGo(slot: number, lane: number): void {
    this.#cells[this.#at.held + lane * this.size.backends + slot]!--;
    Atomics.sub(this.#cells, slot * BACKEND_CELLS + BackendCell.active, 1);
  }

  /** Leases that one worker holds. */
  heldBy(slot: number, lane: number): number {
    return this.#cells[this.#at.held + lane * this.size.backends + slot]!;
  }

  /** One more failure in a row; returns how many. */
  countFailure(slot: number): number {
    return Atomics.add(this.#cells, slot * BACKEND_CELLS + BackendCell.streak, 1) + 1;
  }

  /** A success: the row of failures ends. Stores only when there is one, so that the cache line stays shared. */
  endStreak(slot: number): void {
    const at = slot * BACKEND_CELLS + BackendCell.streak;
    if (Atomics.load(this.#cells, at) !== 0) Atomics.store(this.#cells, at, 0);
  }

  streak(slot: number): number {
    return Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.streak);
  }

  /**
   * Tells the backend that has a slot from all others, those that had it before included: from 0 to less than 2³¹ - 1. It
   * comes again only after hundreds of thousands of others had the slot.
   */
  backendNumber(slot: number): number {
    const { backends } = this.size;
    const owner = Atomics.load(this.#cells, slot * BACKEND_CELLS + BackendCell.owners);
    return (owner % Math.floor(MAX_NUMBERS / backends)) * backends + slot;
  }

  /** Empties a slot for a new backend; its leases of before, if any are left, go on being counted. */
  resetBackend(slot: number): void {
    const at = slot * BACKEND_CELLS;
    for (const cell of Object.values(BackendCell)) {
      if (cell !== BackendCell.active && cell !== BackendCell.owners) Atomics.store(this.#cells, at + cell, 0);
    }
    Atomics.add(this.#cells, at + BackendCell.owners, 1);
    for (let series = 0; series < LATENCY_SERIES; series++) this.setLatency(slot, series, 0, 0);
  }

  // Latency, by slot and series.

  /** The estimate that was stored last, in µs; 0 for none. */
  latencyUs(slot: number, series: number): number {
    return Atomics.load(this.#cells, this.#at.latency + (slot * LATENCY_SERIES + series) * 2);
  }

  /** When it was stored: whole ms of a clock that all threads share, wrapped to 32 bits. */
  latencyStamp(slot: number, series: number): number {
    return Atomics.load(this.#cells, this.#at.latency + (slot * LATENCY_SERIES + series) * 2 + 1);
  }

  /** Stores an estimate. Of two workers that do so at once one is lost, which an estimate bears. */
  setLatency(slot: number, series: number, estimateUs: number, stamp: number): void {
    const at = this.#at.latency + (slot * LATENCY_SERIES + series) * 2;
    Atomics.store(this.#cells, at, estimateUs);
    Atomics.store(this.#cells, at + 1, stamp);
  }

  // Pools, by number.

  /** Changes whenever who may be picked, or with what weight, has changed. */
  version(pool: number): number {
    return Atomics.load(this.#cells, this.#at.pools + pool * POOL_CELLS + PoolCell.version);
  }

  /** Tells every worker to look again at who may be picked, at once where somebody waits for that. */
  touch(pool: number): void {
    Atomics.add(this.#cells, this.#at.pools + pool * POOL_CELLS + PoolCell.version, 1);
    this.queues.wakeAll(pool);
  }

  /** The next turn of a pool, one sequence over all workers: an unsigned 32-bit number that wraps. */
  nextTurn(pool: number): number {
    return Atomics.add(this.#cells, this.#at.pools + pool * POOL_CELLS + PoolCell.turn, 1) >>> 0;
  }

  /** The next turn of a split, likewise. */
  nextSplit(split: number): number {
    return Atomics.add(this.#cells, this.#at.splits + split, 1) >>> 0;
  }

  // Open client connections.

  /** Counts a connection in when neither its listener nor the process is at its limit (0 for none). */
  admit(listener: number, lane: number, limits: { readonly listener: number; readonly process: number }): boolean {
    const total = Atomics.add(this.#cells, this.#at.global, 1) + 1;
    const here = Atomics.add(this.#cells, this.#at.listeners + listener, 1) + 1;
    this.#cells[this.#at.open + lane * this.size.listeners + listener]!++;
    const over = (limits.process > 0 && total > limits.process) || (limits.listener > 0 && here > limits.listener);
    if (over) this.leave(listener, lane);
    return !over;
  }

  /** Counts a connection out. */
  leave(listener: number, lane: number): void {
    this.#cells[this.#at.open + lane * this.size.listeners + listener]!--;
    Atomics.sub(this.#cells, this.#at.listeners + listener, 1);
    Atomics.sub(this.#cells, this.#at.global, 1);
  }

  /** Open client connections of a listener over all workers. */
  open(listener: number): number {
    return Atomics.load(this.#cells, this.#at.listeners + listener);
  }

  /** Open client connections of one worker. */
  openInLane(lane: number): number {
    let total = 0;
    for (let i = 0; i < this.size.listeners; i++) total += this.#cells[this.#at.open + lane * this.size.listeners + i]!;
    return total;
  }

  /** Gives back all that a dead worker held, so that its replacement starts at nothing. */
  clearLane(lane: number): void {
    for (let slot = 0; slot < this.size.backends; slot++) {
      const at = this.#at.held + lane * this.size.backends + slot;
      Atomics.sub(this.#cells, slot * BACKEND_CELLS + BackendCell.active, this.#cells[at]!);
      this.#cells[at] = 0;
      // A trial may have died with it; that there are two is no harm.
      this.returnTrial(slot);
    }
    for (let listener = 0; listener < this.size.listeners; listener++) {
      const at = this.#at.open + lane * this.size.listeners + listener;
      Atomics.sub(this.#cells, this.#at.listeners + listener, this.#cells[at]!);
      Atomics.sub(this.#cells, this.#at.global, this.#cells[at]!);
      this.#cells[at] = 0;
    }
    this.queues.clearLane(lane);
  }
}
