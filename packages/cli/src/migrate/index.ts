import { type TextEdit, withEdits } from 'upscale-toolkit/references'
import type { Finding, Insertion, Project, Rule, SourceText } from './finding.ts'
import { imageComponents } from './image-component.ts'
import { imagetoolsDirectives } from './imagetools.ts'
import { nextPublicPictures } from './next-public.ts'
import { enlargedPairs } from './pairs.ts'
import { serviceAddresses } from './services.ts'

const RULES: readonly Rule[] = [
  imagetoolsDirectives,
  enlargedPairs,
  imageComponents,
  nextPublicPictures,
  serviceAddresses,
]

/** Everything that rules find in a source, in order; of two that overlap the first rule's. */
export async function findingsIn(source: SourceText, project: Project): Promise<readonly Finding[]> {
  let findings: readonly Finding[] = []
  for (const rule of RULES) {
    const found: Finding[] = []
    for await (const finding of rule(source, project)) found.push(finding)
    findings = withoutOverlaps(findings, found.sort(byStart))
  }
  return findings
}

const byStart = (one: Finding, other: Finding): number => one.start - other.start

/** Both in order, without those of the second that overlap another one. A step for each. */
function withoutOverlaps(first: readonly Finding[], second: readonly Finding[]): readonly Finding[] {
  const all: Finding[] = []
  let next = 0
  for (const finding of second) {
    for (let other = first[next]; other !== undefined && other.start < finding.end; other = first[++next])
      all.push(other)
    if ((all.at(-1)?.end ?? 0) <= finding.start) all.push(finding)
  }
  for (const finding of first.slice(next)) all.push(finding)
  return all
}

/** The text with the replacements of findings and what they need; changes in order, and one after the other. */
export function applied({ text }: SourceText, findings: readonly Finding[]): string {
  return withEdits(text, editsOf(findings))
}

function editsOf(findings: readonly Finding[]): TextEdit[] {
  const changes = findings.flatMap(({ start, end, replacement }) =>
    replacement === undefined ? [] : [{ start, end, text: replacement }],
  )
  const insertions = new Map<string, Insertion>()
  for (const { insertion } of findings) if (insertion !== undefined) insertions.set(insertion.text, insertion)
  for (const { at, text } of insertions.values()) changes.push({ start: at, end: at, text })
  return changes.sort((a, b) => a.start - b.start)
}
