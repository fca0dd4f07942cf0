{{/* What the schema cannot say: choices that do not go together. Each message says what was found and what to do. */}}

{{- define "brandfarm.check" -}}
{{- $store := .Values.store -}}
{{- if and $store.devMinio.enabled $store.existing.endpoint -}}
{{- fail (printf "Two stores are chosen: store.devMinio.enabled and store.existing.endpoint %s. Take one away." $store.existing.endpoint) -}}
{{- end -}}
{{- if not (or $store.devMinio.enabled $store.existing.endpoint) -}}
{{- fail "No store is chosen. Set store.existing.endpoint and store.existing.secret.name, or for trying things out store.devMinio.enabled=true." -}}
{{- end -}}
{{- if and $store.existing.endpoint (not $store.existing.secret.name) -}}
{{- fail "store.existing.endpoint is set and store.existing.secret.name is not: name the Secret that holds the store's credentials." -}}
{{- end -}}
{{- $ray := .Values.ray -}}
{{- if and $ray.create $ray.existing.address -}}
{{- fail (printf "ray.create is true and ray.existing.address is %s. Set ray.create=false to use the cluster that is there." $ray.existing.address) -}}
{{- end -}}
{{- if not (or $ray.create $ray.existing.address) -}}
{{- fail "ray.create is false and ray.existing.address is empty: say where the Ray cluster's head is, or let the chart make one." -}}
{{- end -}}
{{- if and $ray.existing.address (not $ray.existing.secret.name) -}}
{{- fail "ray.existing.secret.name is empty: the farm uses no Ray cluster without a token. Name the Secret that holds it." -}}
{{- end -}}
{{- if and (eq $ray.bases.kind "existing") (not $ray.bases.existingClaim) -}}
{{- fail "ray.bases.kind is existing and ray.bases.existingClaim is empty: name the PersistentVolumeClaim." -}}
{{- end -}}
{{- $seen := list -}}
{{- range $ray.workers -}}
{{- if has .name $seen -}}{{- fail (printf "Two groups in ray.workers are called %s. Give each a name of its own." .name) -}}{{- end -}}
{{- $seen = append $seen .name -}}
{{- if hasSuffix "gpu" (.gpuClass | default .name) -}}
{{- fail (printf "ray.workers: class %s ends in gpu, and KubeRay would take it for a number of GPUs. Choose another name." (.gpuClass | default .name)) -}}
{{- end -}}
{{- if lt (int .max) (int .min) -}}
{{- fail (printf "ray.workers: group %s has max %d below min %d." .name (int .max) (int .min)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
