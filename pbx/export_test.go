package pbx

// Recording is what a call hears of a sound.
var Recording = recording
