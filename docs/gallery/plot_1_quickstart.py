"""
Search similar texts with few labels
====================================

Learn 32-bit codes of short medical texts, of which one in twenty is labeled, search
them, and compare them with exact search by TF-IDF features.
"""

import matplotlib.pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split

from skhash import ITQHasher, RerankedNearestNeighbors, SSBVAEHasher
from skhash.datasets import load_icd10cm
from skhash.metrics import precision_at_k_score
from skhash.model_selection import mask_labels

# %%
# The diagnoses of ICD-10-CM have 22 chapters, which are the classes. A sample of 6,000
# is enough here. ``mask_labels`` replaces 95 % of the labels by -1.

corpus = load_icd10cm()
texts, queries, y, y_query = train_test_split(
    corpus.data, corpus.target, train_size=6000, test_size=500, random_state=0
)
few = mask_labels(y, 0.05, random_state=0)

tfidf = TfidfVectorizer(sublinear_tf=True)
X, X_query = tfidf.fit_transform(texts), tfidf.transform(queries)

# %%
# Fit the hasher and encode. Codes are zeros and ones, one column per bit.

hasher = SSBVAEHasher(random_state=0).fit(X, few)
codes = hasher.transform(X)
print(codes.shape, codes.dtype)

# %%
# A code tells the topic of a text, so that many texts have the same code. Let the codes
# find candidates, and order these by the cosine of their features.

search = RerankedNearestNeighbors(
    FrozenEstimator(hasher), n_neighbors=5, rerank_factor=100
).fit(X)
query = "type 2 diabetes with kidney complications"
_, indices = search.kneighbors(tfidf.transform([query]))
for i in indices[0]:
    print(texts[i], "|", corpus.target_names[y[i]])

# %%
# How many of the k nearest samples are of the chapter of the query? The nearest few
# share words with the query, and the features find them best. Codes that know topics
# are ahead further down the ranking.

itq = ITQHasher(random_state=0).fit(X)
rankings = {
    "SSBVAEHasher, 5 % of the labels": (codes, hasher.transform(X_query), "hamming"),
    "ITQHasher, no labels": (itq.transform(X), itq.transform(X_query), "hamming"),
    "TF-IDF, exact": (X, X_query, "cosine"),
}
depths = [1, 3, 10, 30, 100, 300]
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, (database, asked, metric) in rankings.items():
    precisions = [
        precision_at_k_score(database, y, asked, y_query, k=k, metric=metric)
        for k in depths
    ]
    ax.plot(depths, precisions, marker="o", label=name)
ax.set(xscale="log", xlabel="k", ylabel="precision@k", ylim=(0, 1))
ax.set_xticks(depths, [str(k) for k in depths])
ax.legend()
plt.show()
