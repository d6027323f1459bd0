package main

// defect is something wrong with the Python library, and the tests that show
// that it is not so here.
type defect struct {
	number string
	was    string
	now    string
	tests  []string // as package folder and name: "client TestD4…"
}

var defects = []defect{
	{"D1", "an update of several keys was several round trips", "one script for each batch", []string{"internal/projector TestD1NoReaderSeesHalfOfAnEvent"}},
	{"D2", "an older tick replaced a newer one", "compared by the venue's order", []string{"internal/projector TestD2AnOlderTickNeverReplacesANewerOne"}},
	{"D3", "a dead feed's last price was served for ever", "ticks have an age, and a stale mark that their feed decides", []string{"internal/projector TestD3FeedsDecideWhatIsStale"}},
	{"D4", "each operation opened a connection and sent PING first", "a read is its command", []string{"client TestD4AReadIsItsCommandAndNothingElse"}},
	{"D5", "update_ticker never worked, get_price was missing", "both are there", []string{"internal/projector TestD5PartialUpdatesLoseNothing", "internal/projector TestD5PriceFailsClosed"}},
	{"D6", "documentation and code disagreed on 20 methods", "this file is generated and compared", []string{"client TestD6TheVerbsOfOrdersDoWhatTheirNamesSay", "internal/reference TestD6EveryVerbOfThePythonLibraryHasOneRow", "internal/reference TestD6EveryRowHasCode"}},
	{"D7", "a pop followed by a crash lost the order or the fill", "a pop is a lease", []string{"client TestD7AnOrderWhosePopperDiedIsHandedOutAgain", "client TestD7AFillWhoseHolderDiedIsHandedOutAgainBeforeLaterOnes", "client TestD7AnAcknowledgedFillNeverComesBack", "client TestD7AQueueThatIsFoldedAnewKeepsItsOrder", "client TestD7ARedisThatIsBehindHandsOutNothing"}},
	{"D8", "a pop that gave up could lose what came meanwhile", "waiting takes nothing away", []string{"client TestD8WaitingForAnOrderLosesNone", "client TestD8WaitingForAFillLosesNone"}},
	{"D9", "a push that failed was only logged", "it is an error", []string{"client TestD9APushThatDoesNotStoreIsAnError"}},
	{"D10", "one canceled order made all of its exchange vanish", "orders do not expire together", []string{"client TestD10ACanceledOrderTakesNobodyWithIt"}},
	{"D11", "concurrent updates of an order lost fields, and any status could follow any other", "compare and set, and a table of transitions", []string{"client TestD11ConcurrentUpdatesLoseNothing", "client TestD11AnIllegalTransitionIsRefused", "domain TestD11OnlyLegalTransitions"}},
	{"D12", "errors were swallowed", "typed errors", []string{"client TestD12RedisAwayIsAnErrorNeverFlat", "client TestD12OrdersThatCannotBeReadAreErrors", "client TestD12ProcessesOfARedisThatIsAwayAreUnreachable"}},
	{"D13", "get_next_ticker gave an old tick, or blocked for ever", "the next one, or the end of the context", []string{"client TestD13NextIsANewTickAndEndsWithItsContext"}},
	{"D14", "the list of exchanges was built in", "any name is as good as any other", []string{"internal/projector TestD14AnyExchangeCounts"}},
	{"D15", "the exchange's time and id of an order were replaced by others", "both are kept", []string{"client TestD15TheVenuesTimeAndIDStandBesideOurs"}},
	{"D16", "a trade that came again was there twice", "known by its id", []string{"internal/projector TestD16AReplayedTradeAppearsOnceAndTheCapHolds", "client TestD16AFillThatIsPushedAgainIsThereOnce"}},
	{"D17", "lists of trades grew without bound", "each has a cap", []string{"internal/projector TestD16AReplayedTradeAppearsOnceAndTheCapHolds", "client TestD17TheQueueOfFillsIsBounded"}},
	{"D18", "reading trades took them away, in two steps", "reading takes nothing away", []string{"internal/projector TestD18TwoReadersLoseAndDoubleNone"}},
	{"D19", "all positions of an account were one value that writers read and replaced", "a field for each", []string{"client TestD19NoWriterLosesAnothersPositionOrBalance", "client TestD19AHundredConcurrentUpdatesLoseNone"}},
	{"D20", "\"upsert\" replaced everything", "two verbs, named for what they do", []string{"client TestD20SettingIsNotReplacing"}},
	{"D21", "the caller's values were changed", "they are not", []string{"client TestD21TheCallersValuesAreNotChanged"}},
	{"D22", "clean_positions deleted balances", "it has no say in them", []string{"client TestD22ReplacingPositionsKeepsBalances"}},
	{"D23", "a position that could not be read was flat", "unknown is an error", []string{"client TestD23FlatIsNotUnknown", "client TestD23ARedisThatIsFoldedAnewSaysNothingBeforeItHasCaughtUp"}},
	{"D24", "get_positions ignored its argument", "positions are those of the account", []string{"client TestD24PositionsAreThoseOfTheAccount"}},
	{"D25", "blocks and opening marks had neither one winner nor an end", "one winner, with a token and an expiry", []string{"client TestD25OfManyOpenersOneWins", "client TestD25OverTimeThereIsOneHolderWithAHigherTokenEachTime", "client TestD25ADeadBotsBlockIsTakenAfterItExpired"}},
	{"D26", "anybody released anybody's block", "the holder alone does", []string{"client TestD26NobodyElseReleases"}},
	{"D27", "with Redis away everything was free", "what cannot be read is an error", []string{"client TestD27WhatCannotBeReadIsNeverFree"}},
	{"D28", "update_bot replaced the whole status", "one feed", []string{"client TestD28FeedsThatAreUpdatedAtTheSameTimeAreAllKept"}},
	{"D29", "bars were doubled, out of order, and mixed between exchanges", "by exchange, beginning and timeframe", []string{"internal/projector TestD29BarsAreUpsertedInOrderByVenue"}},
	{"D30", "stopping an old process hid the new one, and updating revived a stopped one", "each process is its own", []string{"client TestD30StoppingAnOldProcessLeavesTheNewOne", "client TestD30AStoppedProcessIsNotRevived"}},
	{"D31", "ids of dead processes stayed for ever", "they are removed", []string{"client TestD31TheIDsOfDeadProcessesAreRemoved"}},
	{"D32", "a type as text crashed", "a wrong one is an error that names the field", []string{"client TestD32ABadTypeIsAFieldError"}},
	{"D33", "hardly any process could be reported stale", "each by its own interval", []string{"client TestD33StaleIsByTheProcessesOwnInterval"}},
	{"D34", "services never unregistered", "every command does, at its end", []string{"compose TestD34EveryCommandUnregistersAtItsEnd"}},
	{"D40", "money was binary floating point", "decimals, text on the outside", []string{"client TestD40DecimalsOfAccountsAreExact"}},
	{"D41", "production code imported test code", "no program has any", []string{"internal/imports TestD41NoProgramHasTestCode"}},
	{"D42", "production code had a test table of exchanges", "any exchange has a catalogue", []string{"client TestD42AnyExchangeHasACatalogue"}},
	{"D43", "credentials were stored and shown", "refused, taken out, and never shown", []string{"client TestD43SecretsAreNeitherStoredNorShown", "client TestD43SecretsAreRefusedOrTakenOut", "compose TestD43NothingThatIsPrintedHasThePassword"}},
	{"D44", "small balances were rounded down to nothing", "the rest is returned, or the order is an error", []string{"domain TestD44WhatIsRoundedAwayIsLeftOverOrAnError"}},
	{"D45", "a lifetime was a moment, one unblock freed all, a popped error was lost, and preparing a cache deleted everybody's", "each touches what it names", []string{"client TestD45ALifetimeIsNoMoment", "client TestD45OneUnblockLeavesTheOtherBlocks", "client TestD45ErrorsOfAVenueArePoppedInOrderAndOnce", "client TestD45ClearTakesTheDeploymentAndTheLogBringsItBack"}},
	{"D46", "claims without code or figures", "what the documents name is there, and benchmarks have floors", []string{"internal/reference TestD46WhatTheDocumentsNameExists"}},
}
