import type { Finding, Project, Rule, SourceText } from './finding.ts'
import { imageComponents } from './image-component.ts'
import { imagetoolsDirectives } from './imagetools.ts'
import { enlargedPairs } from './pairs.ts'
import { serviceAddresses } from './services.ts'

const RULES: readonly Rule[] = [imagetoolsDirectives, enlargedPairs, imageComponents, serviceAddresses]

/** Everything that rules find in a source, in order; of two that overlap the first rule's. */
export async function findingsIn(source: SourceText, project: Project): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const rule of RULES) {
    for await (const finding of rule(source, project)) {
      const overlaps = findings.some(({ start, end }) => start < finding.end && finding.start < end)
      if (!overlaps) findings.push(finding)
    }
  }
  return findings.sort((a, b) => a.start - b.start)
}

/** The text with the replacements of findings, which are in order. */
export function applied({ text }: SourceText, findings: readonly Finding[]): string {
  let result = ''
  let position = 0
  for (const { start, end, replacement } of findings) {
    if (replacement === undefined) continue
    result += text.slice(position, start) + replacement
    position = end
  }
  return result + text.slice(position)
}
