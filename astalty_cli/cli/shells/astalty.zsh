#compdef astalty
# Completion of astalty for zsh. In ~/.zshrc, after compinit:
#     eval "$(astalty completion zsh)"
# or, as a file on $fpath:
#     astalty completion zsh > ~/.zfunc/_astalty

_astalty() {
    local found code word meaning
    local -a whole begun
    found=$(command astalty __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    code=$?
    if ((code == 3)); then
        _files
        return
    fi
    while IFS=$'\t' read -r word meaning; do
        [[ -n $word ]] || continue
        meaning=${meaning:+:$meaning}
        if [[ $word == *[=:] ]]; then
            begun+=("${${word//\\/\\\\}//:/\\:}$meaning")
        else
            whole+=("${${word//\\/\\\\}//:/\\:}$meaning")
        fi
    done <<<$found
    (($#whole)) && _describe -V astalty whole
    (($#begun)) && _describe -V astalty begun -S ''
}

if [[ $funcstack[1] == _astalty ]]; then
    _astalty "$@"
else
    compdef _astalty astalty
fi
