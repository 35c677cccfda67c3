/**
 * The English this package knows: closed lists, by what words do in a sentence.
 *
 * They are general lists of the language, in groups of verbs that ask for the same kind of act. A
 * word that is missing costs a question to the person, and a word that is too many gives an act
 * whose target still has to be named. Words are added because English has them, and never because
 * one task needs them.
 *
 * Other languages: nothing is a request, so every act is asked about.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/)
const setOf = (text: string): ReadonlySet<string> => new Set(words(text))

/**
 * Verbs of acts, by what becomes of the world. `a_b` is a verb with its particle. A verb may
 * stand in several groups: to send is to give and to tell.
 */
const ACT_GROUPS: Readonly<Record<string, readonly string[]>> = {
  give: words(`
    send transfer pay refund repay reimburse wire remit donate give return tip settle compensate
    pay_back send_back give_back
  `),
  tell: words(`
    send email mail message text dm write tell notify inform reply respond answer forward
    announce post publish share tweet ping contact say submit broadcast deliver cc let_know
    comment write_back get_back send_out ask remind warn
  `),
  make: words(`
    create make add set_up set schedule book reserve plan arrange organize organise draft write
    generate open start insert register enter put log record save store build compose prepare
    append upload order buy purchase launch produce compile copy duplicate import rent hire
    subscribe sign_up put_in write_down note_down block_out
  `),
  change: words(`
    update change modify edit adjust set rename move reschedule correct fix replace revise amend
    alter switch reset raise lower increase decrease extend shorten postpone mark assign
    configure adapt append add put merge convert transform rewrite refresh tag label rate star
    push_back bring_forward dim brighten turn_up turn_down upgrade downgrade
  `),
  remove: words(`
    delete remove cancel clear erase drop discard unsubscribe kick archive purge trash uninstall
    empty withdraw wipe destroy terminate abort unshare unfollow block ban get_rid take_off
    take_out kick_out call_off throw_away
  `),
  admit: words(`
    invite add share grant allow permit authorize authorise assign subscribe enroll enrol
    include join follow connect unblock accept approve confirm admit
  `),
  run: words(`
    run execute start launch restart stop kill deploy lock unlock open close enable disable play
    pause install activate deactivate trigger turn_on turn_off switch_on switch_off shut_down
    reboot click press type fill_in log_in sign_in check_in check_out download apply vote sell
    trade call dial print sign perform process commit push pull
  `),
}

/** The groups of each verb. */
export const ACT_VERBS: ReadonlyMap<string, readonly string[]> = (() => {
  const map = new Map<string, string[]>()
  for (const [group, verbs] of Object.entries(ACT_GROUPS)) {
    for (const verb of verbs) map.set(verb, [...(map.get(verb) ?? []), group])
  }
  return map
})()

/** Verbs of acts that are nouns as often: in `mail_send` to mail is not what is done. */
export const NOUN_VERBS: ReadonlySet<string> = setOf(`
    email mail message text dm post tweet share comment answer reply order book plan schedule
    record log store draft set change update fix label tag rate star call play vote trade sign
    tip contact purchase copy import rent hire transfer refund return wire ping cc edit reset
    switch decrease increase upgrade merge mark block ban kick archive trash drop discard cancel
    grant permit follow start stop launch run restart deploy lock press type download print dial
    process commit push pull pause open close trigger click
  `)

/** Groups whose acts write nothing: what their tools are told says which thing is meant. */
export const SELECTING_GROUPS: ReadonlySet<string> = setOf(`remove run`)

/** Nouns of how much, and of what is counted: what is given when nothing else is said. */
export const MEASURE_NOUNS: ReadonlySet<string> = setOf(`
    amount sum difference total half rest remainder balance share part portion percent
    percentage fee price cost money cash fund payment rent salary tip change dollar euro pound
    franc yen deposit debt loan bill
  `)

/** Verbs of looking: nothing outside is changed by them. */
export const OBSERVE_VERBS: ReadonlySet<string> = setOf(`
    get list read search find check show fetch look lookup look_up query count view describe
    retrieve see inspect browse load peek preview summarize summarise compare calculate compute
    estimate convert translate parse validate verify analyze analyse explain detect lint diff
    head tail cat ls grep stat scan filter sort is has exists
  `)

/** Verbs with which descriptions begin whatever the tool does: they tell of answers alone. */
export const ANSWER_VERBS: ReadonlySet<string> = setOf(`return give provide allow let use take`)

/** Words that take the act out of the verb before them: `make sure`. */
export const IDLE_OBJECTS: ReadonlySet<string> = setOf(`sure certain sense`)

/** Particles that make a verb with the verb before them. */
export const PARTICLES: ReadonlySet<string> = setOf(
  `up down in out on off back away over know rid forward`,
)

/** Verbs that with `me` or `us` behind them ask for an answer: `tell me`, `let me know`. */
export const ANSWERED_VERBS: ReadonlySet<string> = setOf(
  `tell let_know inform give ask remind warn`,
)

/** Who wants to know. */
export const ASKERS: ReadonlySet<string> = setOf(`me us`)

/** Words that begin a clause of their own within another: `let Bob say what you know`. */
export const SUBORDINATING: ReadonlySet<string> = setOf(`
    i you he she we they if that whether what which who whom whose when where why how because
    since while although though unless until
  `)

/** Words after which a base form is what someone is asked to do. */
export const REQUEST_HEADS: ReadonlySet<string> = setOf(`
    please to and then or also just now kindly finally afterwards afterward next first second
    third lastly so but go let's lets
  `)

/** Modal verbs: before or after `you` they ask. */
export const MODALS: ReadonlySet<string> = setOf(`can could would will should must may might shall`)

/** Words before `to` after which the deed is not asked for, or is another's. */
export const NOT_ASKING: ReadonlySet<string> = setOf(`
    how when where what which whether who why whom has had have used going supposed meant forgot
    forgotten decided wanted wants needs needed tried promised agreed failed asked told reminded
    invited offered refused refuses expects expected seems seemed likes liked hopes hoped plans
    planned starts started began
  `)

/** Verbs that hand a deed to who stands between them and `to`: in their forms, too. */
export const DELEGATING: ReadonlySet<string> = setOf(`
    ask tell told remind invite instruct urge expect encourage advise order persuade warn teach
    taught allow want need like wish request require say said suggest force convince permit
    recommend command direct beg get got trick pressure
  `)

/** Words after which such a verb is a noun: `the order to send`. */
export const DETERMINERS: ReadonlySet<string> = setOf(
  `the a an this that my your his her its our their`,
)

/** First words of questions that are no requests. */
export const INQUIRIES: ReadonlySet<string> = setOf(`
    is are was were am do does did has have had should shall may might what what's when where
    which who who's whom whose why how isn't aren't doesn't didn't
  `)

/** Words that deny the verb that follows. */
export const NEGATIONS: ReadonlySet<string> = setOf(`
    not never without avoid dont don't doesn't didn't won't wouldn't shouldn't can't cannot
    mustn't nor neither instead
    rather
  `)

/** What is not to be left undone is asked for: `don't forget to`. */
export const OMISSIONS: ReadonlySet<string> = setOf(`forget hesitate omit neglect fail`)

/** Words of the closed classes, and those of courtesy: alone they name nothing. */
export const FUNCTION_WORDS: ReadonlySet<string> = setOf(`
    a an the this that these those some any each every all both no none one two my your his her
    its our their mine yours hers ours theirs i you he she it we they me him us them myself
    yourself himself herself itself ourselves themselves who whom whose which what when where
    why how and or but nor so yet for if then else than as because since while although though
    unless until after before during about above across against along among around at behind
    below beneath beside between beyond by despite down except from in inside into like near of
    off on onto out outside over past through throughout to toward towards under up upon with
    within without is are was were be been being am do does did done has have had having can
    could will would shall should may might must not please thanks thank hello hi hey dear ok
    okay yes also just only too very much many more most other another same such here there now
    today tomorrow yesterday again once first last next i'm i'd i'll i've it's let's that's
    what's there's don't sure make let need want try help however finally
  `)

/** Words that say which of several, and name none of them. */
export const POINTING_WORDS: ReadonlySet<string> = setOf(`
    new old other same current previous next last first second third right wrong whole entire
    own only best worst latest oldest newest recent main default private public shared following
    above below given correct different specific certain single particular relevant appropriate
    original existing remaining additional extra free full empty big bigger biggest small
    smaller smallest large larger largest high higher highest low lower lowest cheap cheaper
    cheapest good better early earlier earliest late later
  `)

/** Words after which comes what a thing is called. */
export const CALLING_WORDS: ReadonlySet<string> = setOf(`called named titled labelled labeled`)

/** Words between a kind and a name, or a number. */
export const NAMING_WORDS: ReadonlySet<string> = setOf(`
    called named titled labelled labeled of is the a an with to at as number no id
  `)

/** Those of them before which a number is a time, or how many. */
export const PREPOSITIONS: ReadonlySet<string> = setOf(`of with to at as`)

/** Words between two names of one kind. */
export const JOINING_WORDS: ReadonlySet<string> = setOf(`and or`)

/** Heads of parameters that hold words for people to read. */
export const TEXT_NOUNS: ReadonlySet<string> = setOf(`
    subject title body content text message description note comment summary caption reason
    detail memo paragraph html markdown greeting remark explanation annotation headline heading
    review feedback transcript
  `)

/** Heads of parameters that hold a time. */
export const TIME_NOUNS: ReadonlySet<string> = setOf(`
    date time day start end deadline datetime timestamp month year hour minute begin until due
    duration expiry birthday week when weekday
  `)

/** Heads of parameters that hold how much of something. */
export const QUANTITY_NOUNS: ReadonlySet<string> = setOf(`
    amount quantity count total price size length duration hour minute second day night week
    month guest people person seat room percent percentage rate rating temperature volume
    brightness width height weight distance limit fee cost sum budget age priority offset
  `)

/** Words of parameters and tools through which a look reaches outside. */
export const OUTWARD_WORDS: ReadonlySet<string> = setOf(`
    url uri link href website webpage web site internet online http https webhook endpoint host
    hostname domain server ip browser crawl browse remote download
  `)

/** Words that call a number a name. */
export const ID_NOUNS: ReadonlySet<string> = setOf(`
    id ids identifier number no nr code key uid uuid ref reference
  `)

/** Months, for dates that are written out. */
export const MONTHS: readonly string[] = words(`
    january february march april may june july august september october november december
  `)

/** Days of the week: with capital letters, and nobody's names. */
export const WEEKDAYS: readonly string[] = words(`
    monday tuesday wednesday thursday friday saturday sunday
  `)

/** Words for persons that were named elsewhere. */
export const REFERRING_WORDS: ReadonlySet<string> = setOf(`
    he him she her they them both everyone everybody
  `)
