package voicemodem

// Reasons why a line is out of service, as hal.StateChanged carries them: ids, for
// which the pages have words.
const (
	ReasonSilent    = "modemSilent"     // no answer to AT
	ReasonNoVoice   = "modemNoVoice"    // AT+FCLASS=8 is refused
	ReasonNoFormat  = "modemNoFormat"   // no sample format that we speak
	ReasonRefuses   = "modemRefuses"    // a setting that is needed
	ReasonMute      = "modemMute"       // no answer to a setting
	ReasonFormats   = "modemFormats"    // none of its own sample formats is accepted
	ReasonForgot    = "modemForgot"     // lost its settings, as after a loss of power
	ReasonStream    = "modemStream"     // does not leave the stream
	ReasonOffHook   = "modemOffHook"    // does not hang up
	ReasonNoSamples = "modemNoSamples"  // stream without samples
	ReasonPortWrite = "portUnwritable"  // the port takes nothing
	ReasonPortGone  = "portDisappeared" // unplugged
)
