import { docs } from '../../../src/style/rules/docs.ts'
import { generated } from '../../../src/style/rules/generated.ts'
import { requirements } from '../../../src/style/rules/requirements.ts'
import { type Case, room } from '../house-of-texts.ts'

const errors = `/** \`ICE_EVENTS_GONE\`: it is gone. */
export class GoneError extends IceError { declare readonly code: 'ICE_EVENTS_GONE' }
`
const table = '| code | when |\n| --- | --- |\n| `ICE_EVENTS_GONE` | it is gone. |\n'

export const documentCases: readonly Case[] = [
  {
    rule: generated,
    name: 'finds a stale table, a missing one, and one that nothing makes',
    texts: room('events', {
      'src/errors.ts': errors,
      'src/limits.ts': '/** Bytes. */\nexport const BYTES_MAX = 1\n',
      'README.md': [
        '<!-- generated:errors -->\nold\n<!-- /generated -->',
        '<!-- generated:ports -->\n<!-- /generated -->',
      ].join('\n'),
    }),
    finds: [
      ['packages/events/README.md:1', 'has no <!-- generated:limits -->'],
      ['packages/events/README.md:1', 'nothing in the source makes generated:ports'],
      ['packages/events/README.md:1', 'it was rewritten'],
    ],
  },
  {
    rule: generated,
    name: 'is content with a table that says what the source says',
    texts: room('events', {
      'src/errors.ts': errors,
      'README.md': `<!-- generated:errors -->\n${table}<!-- /generated -->\n`,
    }),
    finds: [],
  },
  {
    rule: requirements,
    name: 'finds ids given twice, cited but unknown, and verified by nothing',
    texts: {
      'docs/requirements/events.md': '| EVT-R01 | a |\n| EVT-R02 | b |\n| EVT-R01 | again |\n',
      ...room('events', {
        'test/a.test.ts': '/** Verifies: EVT-R01, EVT-R09 */',
        'README.md': 'Guarantees EVT-R08.',
      }),
    },
    finds: [
      ['docs/requirements/events.md:3', 'EVT-R01 is declared a second time'],
      ['packages/events/test/a.test.ts:1', 'EVT-R09 is not in docs/requirements'],
      ['packages/events/README.md:1', 'EVT-R08 is not in docs/requirements'],
      ['docs/requirements/events.md:2', 'EVT-R02 is verified by no test'],
    ],
  },
  {
    rule: requirements,
    name: 'counts kits and tests as verifying, and keeps retired ids',
    texts: {
      'docs/requirements/events.md':
        '### EVT-R01\n- **EVT-R02** b\n| EVT-R03 | retired in 0.2 |\nas EVT-R01 says\n',
      ...room('events', {
        'test/a.test.ts': '/** Verifies: EVT-R01 */',
        'src/contract/append.ts': `export const c = { requirement: 'EVT-R02' }`,
      }),
    },
    finds: [],
  },
  {
    rule: docs,
    name: 'finds links that lead nowhere, numbers given twice and names out of line',
    texts: {
      'README.md': 'See [a](docs/NONE.md) and [b](docs/A.md#nowhere).',
      'docs/A.md': '# A page\n',
      'docs/adr/0001-one.md': '',
      'docs/adr/0001-two.md': '',
      'docs/rfc/first.md': '',
    },
    finds: [
      ['README.md:1', 'docs/NONE.md leads nowhere'],
      ['README.md:1', 'docs/A.md#nowhere leads nowhere'],
      ['docs/adr/0001-two.md:1', 'has the number of docs/adr/0001-one.md'],
      ['docs/rfc/first.md:1', 'is not named NNNN-'],
    ],
  },
  {
    rule: docs,
    name: 'follows files, folders and headings, and leaves code and the network alone',
    texts: {
      'README.md': [
        '[a](docs/A.md#a-page-of-two-words) [b](docs) [c](#here) [d](https://example.com/x)',
        '# Here',
        '`[e](none.md)`',
        '```\n[f](none.md)\n```',
      ].join('\n'),
      'docs/A.md': '## A page, of *two* words\n',
      'docs/adr/0001-one.md': '',
      'docs/rfc/0001-one.md': '',
      'packages/events/CHANGELOG.md': '[gone](old.md)',
    },
    finds: [],
  },
]
