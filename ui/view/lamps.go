package view

// LampStyles is the part of the style sheet that makes lamps blink.
func LampStyles() string { return "" }
