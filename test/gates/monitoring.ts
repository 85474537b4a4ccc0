import { parse } from 'yaml';
import { labelsWritten } from './promql.ts';
import { readFiles } from './source.ts';

/** A rule of config/prometheus: an alert or something that is recorded. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An expression that a dashboard asks for, and the labels that are written beside its result. */
export interface Query {
  readonly where: string;
  readonly expr: string;
  readonly written: readonly string[];
}

/** What is of interest in a dashboard. */
interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

/** Every rule that is recorded and every alert, in file order. */
export function rules(): Rule[] {
  return readFiles('config/prometheus/{recording,alerts}.yml').flatMap(({ text }) =>
    (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules),
  );
}

/** Every dashboard, by its path. */
export function dashboards(): { path: string; dashboard: Dashboard }[] {
  return readFiles('config/grafana/dashboards/*.json').map(({ path, text }) => ({ path, dashboard: JSON.parse(text) }));
}

/** Every expression of the dashboards, those of their variables and annotations included. */
export function queries(): Query[] {
  return dashboards().flatMap(({ path, dashboard }) => [
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat }) => ({
        where: `${path}: ${title}`,
        expr,
        written: labelsWritten(legendFormat),
      })),
    ),
    ...dashboard.templating.list.flatMap(({ name, definition }) => {
      const [, expr, label] = /^label_values\((.*), (\w+)\)$/.exec(definition ?? '') ?? [];
      return expr === undefined ? [] : [{ where: `${path}: $${name}`, expr, written: [label!] }];
    }),
    ...dashboard.annotations.list.map(({ name, expr }) => ({ where: `${path}: ${name}`, expr, written: [] })),
  ]);
}
