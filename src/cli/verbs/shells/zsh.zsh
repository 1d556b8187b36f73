#compdef phaseledger
_phaseledger() {
    local line entry
    local -a spaced open
    for line in "${(@f)$(PROGRAM completions zsh -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}"; do
        [[ -z $line ]] && continue
        entry="${${line%%$'\t'*}//:/\\:}"
        [[ $line == *$'\t'* ]] && entry+=":${line#*$'\t'}"
        if [[ ${line%%$'\t'*} == *[=:/] ]]; then open+=("$entry"); else spaced+=("$entry"); fi
    done
    (( $#spaced )) && _describe -V phaseledger spaced
    (( $#open )) && _describe -V phaseledger open -S ''
    return 0
}
if [[ ${funcstack[1]} == _phaseledger ]]; then
    _phaseledger "$@"
elif (( $+functions[compdef] )); then
    compdef _phaseledger phaseledger
fi
