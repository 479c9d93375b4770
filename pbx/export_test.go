package pbx

// Recording is what a call hears of a sound.
var Recording = recording

// QualityOf is what the journal keeps of a stream's figures.
var QualityOf = quality

// MaxFeatures is how many feature codes may be under way.
const MaxFeatures = maxFeatures
